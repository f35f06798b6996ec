import { messageOf } from "@corral-iac/corral/core/errors";
import { hostPaths } from "@corral-iac/corral/core/microvm/paths";
import { discardScript } from "@corral-iac/corral/core/microvm/scripts/arriving";
import type { Answer } from "@corral-iac/corral/core/microvm/scripts/hostScript";
import { returnScript } from "@corral-iac/corral/core/microvm/scripts/leaving";
import type { Leaving } from "@corral-iac/corral/core/microvm/scripts/leaving";

import type { OperationContext } from "../frame/context";
import { isOutOfReach } from "../guest/rootShell";
import { STEP_SECONDS } from "./applyMachine";
import { HostShell } from "./hostShell";
import type { Move, MoveFacts } from "./moveLook";
import { hypervisorOf, planOf } from "./planOf";

/** How far a move has come. */
export type HowFar =
  "nothing" | "stopping" | "copying" | "handing" | "starting";

/** How long a host that was lost is asked again, where everything hangs on its answer. */
const ASK_MILLISECONDS = 60_000;
const ASK_AGAIN_MILLISECONDS = 5000;

interface Failed {
  readonly facts: MoveFacts;
  readonly mark: Leaving;
  readonly howFar: HowFar;
  readonly error: unknown;
}

/**
 * Gives a move up: what was put on the new host goes, and the machine runs again where it was. Returns
 * the error that says both; never throws one of its own.
 */
export async function giveUp(
  ctx: OperationContext,
  move: Move,
  { facts, mark, howFar, error }: Failed,
): Promise<Error> {
  const { leaver, from, to } = facts;
  const name = move.args.stamp.name;
  const why = `${name} was not moved from ${from.where} to ${to.where}: ${messageOf(error)}`;
  const failure = (...more: string[]) =>
    new Error([why, ...more].join("\n"), { cause: error });
  if (howFar === "nothing") {
    return failure(`It is on ${from.where} as before.`);
  }
  // What was stopped has to be done to its end: the signal of the operation may have ended it.
  const seconds =
    STEP_SECONDS * 2 + move.args.stopTimeoutSeconds + ASK_MILLISECONDS / 1000;
  const signal = ctx.unwind?.(seconds) ?? AbortSignal.timeout(seconds * 1000);
  ctx.log.status(`going back to ${from.where}`);
  const discard = () =>
    new HostShell(move.args.connection, signal).run({
      what: `taking away what was brought of ${leaver.machine}`,
      script: discardScript(leaver, mark.id, hostPaths),
      timeoutSeconds: STEP_SECONDS + move.args.stopTimeoutSeconds,
    });
  const left = await (
    howFar === "starting" ? insist(discard, signal) : discard()
  ).then(
    () => undefined,
    (reason: unknown) => messageOf(reason),
  );
  if (left !== undefined && howFar === "starting") {
    return failure(
      `It was told to start on ${to.where}, and whether it runs there is not known: ${left}`,
      `So it is not started on ${from.where}, where it is stopped with all its data: it must never run twice. Run up again when ${to.where} answers. ` +
        `Where that host is lost for good, set host back, remove the file leaving in the machine's folder on ${from.where}, and run up --refresh.`,
    );
  }
  const notes =
    left === undefined
      ? []
      : [
          `What was copied to ${to.where} is still there (${left}); the next move takes it away.`,
        ];
  const back = await goBack(move, mark, signal);
  return failure(...notes, back);
}

/** Says how it went. */
async function goBack(
  { old }: Move,
  mark: Leaving,
  signal: AbortSignal,
): Promise<string> {
  const { inputs, outputs } = old;
  const shell = new HostShell(inputs.connection, signal);
  const plan = planOf(inputs, hypervisorOf(inputs, outputs));
  try {
    const answer = await insist(
      () =>
        shell.run({
          what: `letting ${inputs.name} be there again`,
          script: returnScript(plan, mark, hostPaths),
          timeoutSeconds: STEP_SECONDS,
        }),
      signal,
    );
    return outcome(answer, shell.where, mark);
  } catch (error) {
    return `It could not be brought back on ${shell.where}, where it is stopped with all its data: ${messageOf(error)}. Run up again.`;
  }
}

function outcome(answer: Answer, where: string, { ran }: Leaving): string {
  const failed = answer.get("failed");
  return failed !== undefined
    ? [
        `It does not start on ${where} any more: ${failed}. The end of its journal:`,
        ...answer.all("journal").map((line) => `  ${line}`),
      ].join("\n")
    : ran
      ? `It runs on ${where} again, as before.`
      : `It is on ${where} as before.`;
}

/** Asks again while the host is out of reach, within a bound. */
async function insist<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  began = Date.now(),
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (
      !isOutOfReach(error) ||
      signal.aborted ||
      Date.now() - began > ASK_MILLISECONDS
    ) {
      throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MILLISECONDS));
    return insist(work, signal, began);
  }
}
