import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { processExists } from "@corral-iac/corral/core/processes";

/** Who holds a lock. The start time tells a process from a later one with the same pid. */
export interface LockHolder {
  readonly pid: number;
  /** Start time of the process in the kernel's ticks since boot; empty where it is not known. */
  readonly started: string;
}

export interface LockOptions {
  /** Longest wait for another living holder. Default 3600. */
  readonly timeoutSeconds?: number;
  /** Told once when somebody else holds the lock. */
  readonly onWait?: (holder: LockHolder) => void;
}

/**
 * Runs `body` while this process alone holds the lock file. A lock whose process is dead is taken
 * over. The lock spares double work; nothing breaks if two hold it, because results are renamed
 * into place.
 *
 * @throws Error when another living process holds the lock longer than the bound.
 */
export async function withLock<T>(
  file: string,
  body: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const timeoutSeconds = options.timeoutSeconds ?? 3600;
  const deadline = Date.now() + timeoutSeconds * 1000;
  let told = false;
  while (!tryLock(file)) {
    const holder = readHolder(file);
    if (holder === undefined || !isAlive(holder)) {
      breakLock(file, holder);
      continue;
    }
    if (!told) {
      options.onWait?.(holder);
      told = true;
    }
    if (Date.now() > deadline) {
      throw new Error(
        `${file} has been held by process ${holder.pid} for ${timeoutSeconds} s. ` +
          "Wait for that process or end it, then run the command again.",
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  try {
    return await body();
  } finally {
    fs.rmSync(file, { force: true });
  }
}

/** One attempt: true when the lock file is now ours. */
export function tryLock(file: string, holder: LockHolder = self()): boolean {
  const draft = `${file}.${process.pid}.${randomUUID()}`;
  fs.writeFileSync(draft, JSON.stringify(holder));
  try {
    // A link appears with its content in one step and fails when the name is taken.
    fs.linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") {
      return false;
    }
    throw error;
  } finally {
    fs.rmSync(draft, { force: true });
  }
}

/** The holder named in a lock file; undefined when it is gone or cannot be read. */
export function readHolder(file: string): LockHolder | undefined {
  try {
    const read: unknown = JSON.parse(fs.readFileSync(file, "utf8"));
    const holder = read as Partial<LockHolder>;
    return typeof holder.pid === "number"
      ? { pid: holder.pid, started: String(holder.started ?? "") }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Removes a lock of `expected`, but not one that somebody took in the meantime. */
export function breakLock(
  file: string,
  expected: LockHolder | undefined,
): void {
  const aside = `${file}.stale.${process.pid}.${randomUUID()}`;
  try {
    fs.renameSync(file, aside);
  } catch {
    return; // Somebody else broke it first.
  }
  const found = readHolder(aside);
  if (
    found !== undefined &&
    (found.pid !== expected?.pid || found.started !== expected.started)
  ) {
    try {
      fs.linkSync(aside, file);
    } catch {
      // Another one holds it by now.
    }
  }
  fs.rmSync(aside, { force: true });
}

/** True while the very process that took the lock runs. */
export function isAlive(holder: LockHolder): boolean {
  if (!processExists(holder.pid)) {
    return false;
  }
  const started = startTime(holder.pid);
  return started === "" || holder.started === "" || started === holder.started;
}

function self(): LockHolder {
  return { pid: process.pid, started: startTime(process.pid) };
}

/** Field 22 of /proc/PID/stat; the second field may hold spaces, so count from its bracket. */
function startTime(pid: number): string {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}
