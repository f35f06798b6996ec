/**
 * Stands for an argument whose value is not known yet (a Pulumi Output). Checks take it for present
 * and right; it is checked when its value is there.
 */
export const LATER: unique symbol = Symbol("known later");

/** Narrows a value that may be known later to text. */
export function isText(value: unknown): value is string {
  return typeof value === "string";
}

/** Narrows a value that may be known later to a record; false for {@link LATER} and lists. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
