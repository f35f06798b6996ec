import * as fs from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { signalIfThere } from "@corral-iac/corral/core/processes";
import { listenerGone } from "./listeners";
import {
  isRunning,
  listProcesses,
  readProc,
  readProcLink,
  type ProcessEntry,
} from "./processes";
import {
  survivorsIn,
  type EngineRun,
  type ObservedProcess,
  type Survivor,
} from "./survivorsIn";

/** How a survivor went. */
export interface EndedProcess extends Survivor {
  /** Whether it took SIGKILL. */
  readonly forced: boolean;
}

/** For so long a process may take to end by itself after SIGTERM. */
const PATIENCE_SECONDS = 10;
const POLL_MILLISECONDS = 50;

/**
 * Processes of this user that a dead engine left behind when it worked on a stack. They may still
 * be in the middle of a call that makes something on the hypervisor. Processes of an engine that
 * lives are never among them. On a system without /proc none is found.
 */
export function findSurvivors(run: EngineRun): Survivor[] {
  if (!fs.existsSync("/proc/self/stat")) {
    return [];
  }
  const programFolder = fs.realpathSync(run.programFolder);
  const processes = listProcesses().filter(isOwn).map(observe);
  return survivorsIn(processes, { ...run, programFolder }, listenerGone);
}

/**
 * Asks survivors to end, waits, kills those that do not. Returns when all are gone.
 *
 * @throws Error that names those that even SIGKILL does not end.
 */
export async function endSurvivors(
  survivors: readonly Survivor[],
  patienceSeconds: number = PATIENCE_SECONDS,
): Promise<EndedProcess[]> {
  signal(survivors, "SIGTERM");
  const stubborn = await stillRunning(survivors, patienceSeconds);
  signal(stubborn, "SIGKILL");
  const immortal = await stillRunning(stubborn, PATIENCE_SECONDS);
  if (immortal.length > 0) {
    const names = immortal.map(({ name, pid }) => `${name} (process ${pid})`);
    throw new Error(
      `What a killed run left behind does not end, not even by SIGKILL: ${names.join(", ")}. ` +
        "It hangs in a call of the kernel, to a disk or network file system that does not answer.",
    );
  }
  return survivors.map((survivor) => ({
    ...survivor,
    forced: stubborn.includes(survivor),
  }));
}

/** Those that run after the time is over, or none as soon as none does. */
async function stillRunning<Entry extends ProcessEntry>(
  entries: readonly Entry[],
  seconds: number,
): Promise<Entry[]> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const running = entries.filter(isRunning);
    if (running.length === 0 || Date.now() > deadline) {
      return running;
    }
    await delay(POLL_MILLISECONDS);
  }
}

function signal(
  entries: readonly ProcessEntry[],
  name: "SIGTERM" | "SIGKILL",
): void {
  for (const entry of entries.filter(isRunning)) {
    signalIfThere(entry.pid, name);
  }
}

/** Of this user; root does not reach for the processes of others. */
function isOwn({ pid }: ProcessEntry): boolean {
  try {
    return fs.statSync(`/proc/${pid}`).uid === process.getuid?.();
  } catch {
    return false;
  }
}

function observe(entry: ProcessEntry): ObservedProcess {
  const { pid } = entry;
  return {
    ...entry,
    command: fields(readProc(pid, "cmdline")),
    folder: readProcLink(pid, "cwd"),
    variables: Object.fromEntries(
      fields(readProc(pid, "environ")).map((field) => {
        const [name = "", ...value] = field.split("=");
        return [name, value.join("=")];
      }),
    ),
  };
}

/** Both files separate their strings by NUL and end with one. */
function fields(text: string | undefined): string[] {
  return (text ?? "").split("\0").slice(0, -1);
}
