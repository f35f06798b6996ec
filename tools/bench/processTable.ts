import * as fs from "node:fs";
import * as path from "node:path";

/** A process. Its start tells it from a later one with the same number. */
export interface ProcessId {
  readonly pid: number;
  /** Clock ticks from the machine's start to the process's own. */
  readonly started: string;
}

/** A process of a measured command. */
export interface TrackedProcess extends ProcessId {
  /** Name of its program, as its command line tells it. */
  readonly name: string;
}

/** How often every process is looked at anew, in milliseconds. */
const RECHECK_MS = 1000;

/**
 * Finds the processes that have a variable in their environment: those that a command started,
 * whoever their parent is by now. Processes of other users are left out.
 */
export class ProcessWatch {
  /** Processes without the variable, and how often they were seen so. */
  private strangers = new Map<string, number>();
  private readonly members = new Map<string, TrackedProcess>();
  private checkedAt = 0;

  /** @param marker `NAME=VALUE`. */
  constructor(private readonly marker: string) {}

  /** Those that live now. Cheap enough to be called ten times a second. */
  list(): TrackedProcess[] {
    if (performance.now() - this.checkedAt > RECHECK_MS) {
      this.checkedAt = performance.now();
      this.strangers = new Map();
    }
    const found: TrackedProcess[] = [];
    for (const entry of fs.readdirSync("/proc")) {
      const running = /^\d+$/.test(entry) ? this.member(entry) : undefined;
      if (running !== undefined) {
        found.push(running);
      }
    }
    return found;
  }

  private member(entry: string): TrackedProcess | undefined {
    const known = this.members.get(entry);
    if (known !== undefined && isAlive(known)) {
      return known;
    }
    this.members.delete(entry);
    const seen = this.strangers.get(entry) ?? 0;
    // Twice, because a process has its parent's environment until it runs its program.
    if (seen >= 2) {
      return undefined;
    }
    const folder = path.join("/proc", entry);
    if (!read(folder, "environ").split("\0").includes(this.marker)) {
      this.strangers.set(entry, seen + 1);
      return undefined;
    }
    const started = startOf(read(folder, "stat"));
    if (started === undefined) {
      return undefined;
    }
    const name = programName(read(folder, "cmdline"));
    const member = { pid: Number(entry), started, name };
    this.members.set(entry, member);
    return member;
  }
}

/** Memory of a process in KiB, its share of what it has in common with others; 0 when it is gone. */
export function proportionalKib({ pid }: ProcessId): number {
  return pssOf(read(`/proc/${pid}`, "smaps_rollup"));
}

/** Whether a process lives. One that has ended and was not yet collected does not. */
export function isAlive({ pid, started }: ProcessId): boolean {
  return startOf(read(`/proc/${pid}`, "stat")) === started;
}

/** Field 22 of /proc/PID/stat; undefined when the process has ended (proc(5)). */
export function startOf(stat: string): string | undefined {
  // The second field is the program's name in brackets, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
}

/** The line `Pss:` of /proc/PID/smaps_rollup in KiB; 0 when there is none. */
export function pssOf(smapsRollup: string): number {
  return Number(/^Pss:\s+(\d+) kB$/m.exec(smapsRollup)?.[1] ?? 0);
}

/** A program's name from /proc/PID/cmdline; a script's own, where an interpreter runs one. */
export function programName(cmdline: string): string {
  const [program = "", ...args] = cmdline.split("\0");
  const name = path.basename(program);
  const script = args.find((arg) => arg !== "" && !arg.startsWith("-"));
  return name === "node" && script !== undefined
    ? path.basename(script) === "index.js"
      ? `node ${path.basename(path.dirname(script))}`
      : path.basename(script)
    : name;
}

function read(folder: string, file: string): string {
  try {
    return fs.readFileSync(path.join(folder, file), "utf8");
  } catch {
    return ""; // The process has ended, or is somebody else's.
  }
}
