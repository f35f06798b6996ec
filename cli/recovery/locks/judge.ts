import type { StateLock } from "./stackLocks";

/** Whether the process that took a lock lives. */
export type LockVerdict =
  | "alive"
  | "dead"
  /** It was on another host, so that nothing is known of it. */
  | "elsewhere";

/** What is known of the processes of this host. */
export interface ProcessKnowledge {
  readonly hostname: string;
  /** When a process began; "unknown" when it runs and hides it; undefined when there is none. */
  processStartedAt(pid: number): Date | "unknown" | undefined;
}

/** How far the clock that stamps locks and the kernel's start times may be apart. */
const TOLERANCE_MILLISECONDS = 30_000;

/**
 * Judges by what the lock says of its process. A process takes its lock after its start: one that
 * began later has only got the same pid. In doubt a lock is alive.
 */
export function judgeLock(
  lock: Pick<StateLock, "pid" | "host" | "createdAt">,
  known: ProcessKnowledge,
): LockVerdict {
  if (lock.host !== known.hostname || isNameOfMany(lock.host)) {
    return "elsewhere";
  }
  const startedAt = known.processStartedAt(lock.pid);
  if (startedAt === undefined) {
    return "dead";
  }
  if (startedAt === "unknown") {
    return "alive";
  }
  const latest = lock.createdAt.getTime() + TOLERANCE_MILLISECONDS;
  return startedAt.getTime() > latest ? "dead" : "alive";
}

/** Names that hosts have which nobody named. */
function isNameOfMany(host: string): boolean {
  return host === "" || /^localhost(\.|$)/.test(host);
}
