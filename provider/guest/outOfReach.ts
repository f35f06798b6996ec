import type { OperationContext } from "../frame/context";
import { isGone, isOutOfReach } from "./rootShell";

type Logging = Pick<OperationContext, "log">;

/**
 * Looks at something behind ssh. What cannot be reached keeps its state, with a warning: it may only be
 * off.
 *
 * @param warn the warning, from why it was not reached.
 */
export async function keptIfOutOfReach<State>(
  { log }: Logging,
  state: State,
  look: () => Promise<State | undefined>,
  warn = (why: string) => `${why}. The state is kept as it was.`,
): Promise<State | undefined> {
  try {
    return await look();
  } catch (error) {
    if (!isOutOfReach(error)) {
      throw error;
    }
    log.warn(warn(error.message));
    return state;
  }
}

/**
 * Removes something behind ssh. What is gone for good needs no removal, only a warning.
 *
 * @param warn the warning, from why it counts as gone.
 */
export async function removedOrGone(
  { log }: Logging,
  remove: () => Promise<unknown>,
  warn: (why: string) => string,
): Promise<void> {
  try {
    await remove();
  } catch (error) {
    if (!isGone(error)) {
      throw error;
    }
    log.warn(warn(error.message));
  }
}
