import { Unknown } from "./value";

/** Whether any part of plain data, as a resource's own code has it, is not known yet. */
export function containsUnknownPlain(value: unknown): boolean {
  if (value instanceof Unknown) {
    return true;
  }
  return (
    typeof value === "object" &&
    value !== null &&
    Object.values(value).some(containsUnknownPlain)
  );
}
