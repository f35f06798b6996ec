import { randomBytes } from "node:crypto";

import { messageOf } from "@corral-iac/corral/core/errors";
import { hostPaths } from "@corral-iac/corral/core/microvm/paths";
import {
  arrivedScript,
  discardScript,
} from "@corral-iac/corral/core/microvm/scripts/arriving";
import type { TargetFacts } from "@corral-iac/corral/core/microvm/scripts/arriving";
import {
  fenceScript,
  handScript,
  leaveScript,
} from "@corral-iac/corral/core/microvm/scripts/leaving";
import type { Leaving } from "@corral-iac/corral/core/microvm/scripts/leaving";

import type { OperationContext } from "../frame/context";
import { RefusedError } from "../frame/errors";
import { removedOrGone } from "../guest/outOfReach";
import type { Inputs, Outputs } from "../resources/microVmServiceFields";
import { applyMachine, STEP_SECONDS } from "./applyMachine";
import { copyVolume } from "./copyVolume";
import { giveUp } from "./moveBack";
import type { HowFar } from "./moveBack";
import { lookAtMove } from "./moveLook";
import type { Move, MoveFacts } from "./moveLook";
import { CopyProgress } from "./moveProgress";

/**
 * Moves a machine to another host: it is stopped, its volumes are copied, it is started there, and only
 * then removed where it was. At no moment can it run on both. Goes on with a move that was cut off.
 *
 * @throws Error with the machine where it was, unless the message says otherwise.
 */
export async function moveMachine(
  ctx: OperationContext,
  move: Move,
): Promise<Outputs> {
  const facts = await lookAtMove(ctx.signal, move);
  const { plan, leaver, from, to } = facts;
  if (plan.faults.length > 0) {
    throw new RefusedError(faultText(move, facts));
  }
  const made = plan.isForward
    ? await goForward(ctx, move, facts)
    : await bring(ctx, move, facts);
  await removedOrGone(
    ctx,
    () =>
      from.run({
        what: `removing ${leaver.machine}, which has moved`,
        script: leaveScript(leaver, hostPaths),
        timeoutSeconds: STEP_SECONDS,
      }),
    (why) =>
      `${why}. The host counts as gone: if it comes back, what ${leaver.machine} has left is still there, and cannot start.`,
  );
  await to.run({
    what: `noting that ${leaver.machine} has arrived`,
    script: arrivedScript(leaver, hostPaths),
    timeoutSeconds: STEP_SECONDS,
  });
  ctx.log.info(`moved from ${from.where} to ${to.where}`);
  return made;
}

/** Everything that stands against a move, before anything is touched. */
export function faultText(
  { args }: { readonly args: Pick<Inputs, "stamp"> },
  { plan, from, to }: MoveFacts,
): string {
  return [
    `${args.stamp.name} cannot move from ${from.where} to ${to.where}; nothing was changed:`,
    ...plan.faults.map((fault) => `  - ${fault}`),
  ].join("\n");
}

/** It was started there by an earlier run: what it has written since is there alone. */
async function goForward(
  ctx: OperationContext,
  { args, found, old }: Move,
  { target, from, to }: MoveFacts,
): Promise<Outputs> {
  const id = target.machine?.move ?? "";
  try {
    return await applyMachine(ctx, args, found, {
      move: id === "" ? undefined : id,
      before: old.inputs,
    });
  } catch (error) {
    throw new Error(
      `${messageOf(error)}\n${old.inputs.name} was started on ${to.where} before, so that it does not go back to ${from.where}: what it has written since would be lost.`,
      { cause: error },
    );
  }
}

/** Stops it, copies its volumes, and starts it there; or lets it be where it was. */
async function bring(
  ctx: OperationContext,
  move: Move,
  facts: MoveFacts,
): Promise<Outputs> {
  const { leaver, from, to, plan, source, target } = facts;
  const mark = markFor(facts);
  let howFar: HowFar = "nothing";
  try {
    if (plan.hasLeftovers) {
      await clearTarget(facts, target);
    }
    howFar = "stopping";
    ctx.log.status(`stopping on ${from.where}`);
    await from.run({
      what: `stopping ${leaver.machine}`,
      script: fenceScript(leaver, mark, source?.mark, hostPaths),
      timeoutSeconds: STEP_SECONDS + move.old.inputs.stopTimeoutSeconds,
    });
    howFar = "copying";
    await copyVolumes(ctx, move, facts, mark);
    howFar = "handing";
    await from.run({
      what: `handing ${leaver.machine} over`,
      script: handScript(leaver, mark, hostPaths),
      timeoutSeconds: STEP_SECONDS,
    });
    howFar = "starting";
    ctx.log.status(`starting on ${to.where}`);
    return await applyMachine(ctx, move.args, move.found, {
      move: mark.id,
    });
  } catch (error) {
    throw await giveUp(ctx, move, { facts, mark, howFar, error });
  }
}

/** One for this attempt. Whether the machine ran says the first one that has stopped it. */
function markFor({ to, source, target }: MoveFacts): Leaving {
  const { mark } = source ?? {};
  const isStopped = mark !== undefined && mark.phase !== "back";
  return {
    id: randomBytes(8).toString("hex"),
    phase: "copying",
    ran: isStopped ? mark.ran : source?.runs === true,
    to: to.where,
    toId: target.hostId,
  };
}

async function clearTarget(
  { leaver, to }: MoveFacts,
  { wasLeft, machine }: TargetFacts,
): Promise<void> {
  await to.run({
    what: `taking away what is left of ${leaver.machine}`,
    script: wasLeft
      ? leaveScript(leaver, hostPaths, false)
      : discardScript(leaver, machine?.move ?? "", hostPaths),
    timeoutSeconds: STEP_SECONDS,
  });
}

async function copyVolumes(
  ctx: OperationContext,
  { old, args }: Move,
  { leaver, source, plan }: MoveFacts,
  mark: Leaving,
): Promise<void> {
  const incoming = plan.copies.flatMap((volume) => {
    const size = source?.volumes.get(volume);
    return size === undefined ? [] : [{ volume, move: mark.id, ...size }];
  });
  const progress = new CopyProgress(ctx.log, incoming);
  for (const one of incoming) {
    await copyVolume({
      from: old.inputs.connection,
      to: args.connection,
      leaver,
      mark,
      incoming: one,
      signal: ctx.signal,
      passed: (bytes) => progress.add(bytes),
    });
  }
}
