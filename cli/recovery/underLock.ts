import type { OpenStack } from "../engine/openStack";

/**
 * Does work under the stack's lock. While it goes on no engine can be making what the work takes
 * for a leftover.
 */
export async function underLock<T>(
  { locks }: Pick<OpenStack, "locks">,
  work: () => Promise<T>,
): Promise<T> {
  const held = await locks?.hold();
  try {
    return await work();
  } finally {
    await held?.release();
  }
}
