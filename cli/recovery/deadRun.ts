import type { OpenStack } from "../engine/openStack";
import { removeDeadScratch } from "../engine/scratch";
import { judgeLock } from "./locks/judge";
import { lockLine } from "./locks/lockContent";
import { StackLockedError } from "./locks/stackLocks";
import { thisHost } from "./processes";
import { endSurvivors, findSurvivors } from "./survivors";

/**
 * Ends what a dead run of this host left: its processes first, so that its lock keeps other engines
 * out until none of them makes anything any more.
 *
 * @throws StackLockedError when a lock is another's, who is then named; nothing is ended then.
 */
export async function endDeadRun(
  { locks, name, pulumi }: OpenStack,
  log: (line: string) => void,
): Promise<void> {
  const found = (await locks?.list()) ?? [];
  const living = found.filter((lock) => judgeLock(lock, thisHost) !== "dead");
  if (living.length > 0) {
    throw new StackLockedError(living);
  }
  const survivors = findSurvivors({
    programFolder: pulumi.selection.cwd,
    project: name.project,
    stack: name.stack,
  });
  for (const { name: program, pid } of await endSurvivors(survivors)) {
    log(`Ended ${program} (process ${pid}), which a dead run left behind`);
  }
  removeDeadScratch();
  for (const lock of found) {
    await locks?.break(lock);
    log(`Broke the lock of a run that is dead: ${lockLine(lock)}`);
  }
}
