import * as fs from "node:fs";
import * as os from "node:os";
import { processExists } from "@corral-iac/corral/core/processes";
import type { ProcessKnowledge } from "./locks/judge";

/** A process of this host, as the kernel shows it. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  /** Start in the kernel's ticks since boot: with the pid it names this process and no later one. */
  readonly startTicks: number;
}

/** The kernel's clock of start times, on every Linux that Node runs on (sysconf _SC_CLK_TCK). */
const TICKS_PER_SECOND = 100;

/** Reads an entry from the text of /proc/PID/stat; undefined for a process that has ended. */
export function parseStat(stat: string): ProcessEntry | undefined {
  // The name in brackets may hold spaces and brackets.
  const pid = Number(stat.slice(0, stat.indexOf(" ")));
  const [state, parent, ...rest] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .trim()
    .split(" ");
  const startTicks = Number(rest[17]);
  // A zombie has ended: its entry is only left for a parent that does not look.
  return state === "Z" || state === "X" || !Number.isFinite(startTicks)
    ? undefined
    : { pid, parent: Number(parent), startTicks };
}

/** A process; undefined when there is none, or it has ended. */
export function findProcess(pid: number): ProcessEntry | undefined {
  const stat = readProc(pid, "stat");
  return stat === undefined ? undefined : parseStat(stat);
}

/** All processes that can be seen. */
export function listProcesses(): ProcessEntry[] {
  return fs
    .readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => findProcess(Number(name)))
    .filter((entry) => entry !== undefined);
}

/** True while this very process runs. */
export function isRunning({ pid, startTicks }: ProcessEntry): boolean {
  return findProcess(pid)?.startTicks === startTicks;
}

/** A file of /proc/PID; undefined when the process is gone or belongs to somebody else. */
export function readProc(pid: number, file: string): string | undefined {
  try {
    return fs.readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return undefined;
  }
}

/** Where a link of /proc/PID leads. */
export function readProcLink(pid: number, link: string): string | undefined {
  try {
    return fs.readlinkSync(`/proc/${pid}/${link}`);
  } catch {
    return undefined;
  }
}

/** What this host knows of its processes. */
export const thisHost: ProcessKnowledge = {
  hostname: os.hostname(),
  processStartedAt(pid) {
    const entry = findProcess(pid);
    if (entry !== undefined) {
      const seconds = bootTime() + entry.startTicks / TICKS_PER_SECOND;
      return new Date(seconds * 1000);
    }
    // Hidden from this user (mount option hidepid), or a kernel without /proc.
    return !isZombie(pid) && processExists(pid) ? "unknown" : undefined;
  },
};

function isZombie(pid: number): boolean {
  return readProc(pid, "stat") !== undefined && findProcess(pid) === undefined;
}

/** When the kernel started, in seconds since 1970. */
function bootTime(): number {
  const line = /^btime (\d+)$/m.exec(fs.readFileSync("/proc/stat", "utf8"));
  return Number(line?.[1]);
}
