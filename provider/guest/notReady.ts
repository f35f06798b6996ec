import { messageOf } from "@corral-iac/corral/core/errors";

import type { GuestProbe } from "./probe";
import type { Stage } from "./stages";

/** The guest did not get ready. The message is for the user, complete with console and remedy. */
export class NotReadyError extends Error {
  override readonly name = "NotReadyError";
  constructor(
    readonly stage: Stage,
    message: string,
  ) {
    super(message);
  }
}

/** How a wait ended without success. */
export interface FailedWait {
  /** The machine's name. */
  readonly name: string;
  readonly stage: Stage;
  /** What was waited for, in words. */
  readonly waitedFor: string;
  /** Why it ended. */
  readonly reason: string;
  /** What the last look saw; empty if nothing. */
  readonly lastSeen: string;
  readonly totalMilliseconds: number;
  /** In the stage that was not reached. */
  readonly stageMilliseconds: number;
  /** How long a look had been going on that the end of the wait cut short; 0 if none was. */
  readonly cutShortAfterMilliseconds: number;
  readonly remedy: string;
  readonly probe: GuestProbe | undefined;
  readonly clock: {
    sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
  };
}

/** For the console's end, which is fetched after the wait has ended. */
const consoleMilliseconds = 1800;

/** What the user gets to see: what was waited for, why it ended, the console, what to do. */
export async function notReadyError(wait: FailedWait): Promise<NotReadyError> {
  const total = inSeconds(wait.totalMilliseconds);
  const inStage = inSeconds(wait.stageMilliseconds);
  const lines = [
    `${wait.name} is not ready: stage "${wait.stage}": waited for ${wait.waitedFor}; ${wait.reason} ` +
      `(waited ${total} in all, ${inStage} in this stage).`,
  ];
  const seen = [
    ...(wait.lastSeen !== wait.reason ? [wait.lastSeen] : []),
    ...(wait.cutShortAfterMilliseconds >= 1000
      ? [
          `the last try had no answer yet after ${inSeconds(wait.cutShortAfterMilliseconds)}`,
        ]
      : []),
  ].filter((text) => text !== "");
  if (seen.length > 0) {
    lines.push(`Last seen: ${seen.join("; ")}.`);
  }
  lines.push(...(await consoleLines(wait)), wait.remedy);
  return new NotReadyError(wait.stage, lines.join("\n"));
}

export function inSeconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 1000)} s`;
}

async function consoleLines({
  probe,
  clock,
}: Pick<FailedWait, "probe" | "clock">): Promise<string[]> {
  if (!probe) {
    return [];
  }
  // The wait's own signal has aborted already, so this has a bound of its own.
  const bound = new AbortController();
  const done = new AbortController();
  void clock.sleep(consoleMilliseconds, done.signal).then(() => bound.abort());
  try {
    const lines = await probe.console(bound.signal);
    if (lines === undefined) {
      return [];
    }
    if (lines.length === 0) {
      return ["The guest has written nothing on its console."];
    }
    return [
      "The end of the guest's console:",
      ...lines.map((line) => `  | ${line}`),
    ];
  } catch (error) {
    return [`The guest's console cannot be shown: ${messageOf(error)}`];
  } finally {
    done.abort();
  }
}
