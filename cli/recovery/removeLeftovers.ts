import { messageOf } from "@corral-iac/corral/core/errors";
import type { Leftover } from "../inventory/take";

/**
 * Removes leftovers in their order. One that cannot be removed does not keep the others from going.
 *
 * @throws Error that names those that are still there.
 */
export async function removeLeftovers(
  leftovers: readonly Leftover[],
  log: (line: string) => void,
): Promise<void> {
  const failures: string[] = [];
  for (const { lister, place, object, usedBy } of leftovers) {
    const what = `${object.kind} ${object.name} at ${place}`;
    if (usedBy !== undefined) {
      failures.push(`${what} is used by ${usedBy}, which is no leftover`);
      continue;
    }
    try {
      await lister.remove(place, object);
      log(`removed ${what}`);
    } catch (error) {
      failures.push(`${what}: ${messageOf(error)}`);
    }
  }
  if (failures.length > 0) {
    throw new Error(
      `${failures.length} of ${leftovers.length} leftovers are still there:\n` +
        failures.map((failure) => `  - ${failure}`).join("\n"),
    );
  }
}
