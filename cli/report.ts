/** A line of a step that is done: what, outcome, duration. */
export function stepLine(
  what: string,
  outcome: string,
  milliseconds: number,
): string {
  const took = `${(milliseconds / 1000).toFixed(1)} s`;
  return `${what.padEnd(42)} ${outcome.padEnd(24)} ${took.padStart(8)}`;
}
