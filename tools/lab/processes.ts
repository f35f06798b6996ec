import * as fs from "node:fs";
import * as os from "node:os";

/** A process that cannot be mistaken for a later one with the same pid. */
export interface KnownProcess {
  readonly name: string;
  readonly pid: number;
  /** Start time in the kernel's ticks since boot (field 22 of /proc/PID/stat). */
  readonly started: string;
}

/** The start time in the text of /proc/PID/stat. The second field may hold spaces and brackets. */
export function startTimeOf(stat: string): string | undefined {
  return stat
    .slice(stat.lastIndexOf(")") + 2)
    .trim()
    .split(" ")[19];
}

/** Notes a running process; undefined when there is none with this pid. */
export function know(name: string, pid: number): KnownProcess | undefined {
  const started = currentStartTime(pid);
  return started === undefined ? undefined : { name, pid, started };
}

/** True while the very process that was noted runs. */
export function isRunning(known: KnownProcess): boolean {
  return currentStartTime(known.pid) === known.started;
}

/** Whether a process runs and has a handler of its own for a signal (proc(5), SigCgt). */
export function catches(
  known: KnownProcess,
  signal: keyof typeof os.constants.signals,
): boolean {
  try {
    const status = fs.readFileSync(`/proc/${known.pid}/status`, "utf8");
    const caught = BigInt(`0x${/^SigCgt:\s*(\S+)/m.exec(status)?.[1] ?? "0"}`);
    const bit = 1n << BigInt(os.constants.signals[signal] - 1);
    return isRunning(known) && (caught & bit) !== 0n;
  } catch {
    return false;
  }
}

/**
 * Asks a process to end, waits, then kills it. Does nothing when the noted process is gone,
 * whoever has its pid by now.
 *
 * @param patienceSeconds how long it may take to end by itself.
 */
export async function end(
  known: KnownProcess,
  patienceSeconds = 20,
): Promise<void> {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    if (!isRunning(known)) {
      return;
    }
    process.kill(known.pid, signal);
    if (await becomes(() => !isRunning(known), patienceSeconds)) {
      return;
    }
  }
  throw new Error(
    `${known.name} (process ${known.pid}) does not end, not even by SIGKILL.`,
  );
}

/** Waits until a condition holds; false when the time is over. */
export async function becomes(
  condition: () => boolean | Promise<boolean>,
  seconds: number,
): Promise<boolean> {
  const deadline = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > deadline) {
      return false;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return true;
}

/** A zombie has ended: only its entry is left for a parent that does not look. */
function currentStartTime(pid: number): string | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    const state = stat.slice(
      stat.lastIndexOf(")") + 2,
      stat.lastIndexOf(")") + 3,
    );
    return state === "Z" ? undefined : startTimeOf(stat);
  } catch {
    return undefined;
  }
}
