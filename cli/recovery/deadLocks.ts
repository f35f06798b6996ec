import type { OpenStack } from "../engine/openStack";
import { judgeLock } from "./locks/judge";
import { lockLine } from "./locks/lockContent";
import { StackLockedError } from "./locks/stackLocks";
import { thisHost } from "./processes";

/**
 * Breaks locks whose process was on this host and is dead.
 *
 * @throws StackLockedError when a lock is another's, who is then named.
 */
export async function breakDeadLocks(
  { locks }: OpenStack,
  log: (line: string) => void,
): Promise<void> {
  const found = (await locks?.list()) ?? [];
  const living = found.filter((lock) => judgeLock(lock, thisHost) !== "dead");
  if (living.length > 0) {
    throw new StackLockedError(living);
  }
  for (const lock of found) {
    await locks?.break(lock);
    log(`Broke the lock of a run that is dead: ${lockLine(lock)}`);
  }
}
