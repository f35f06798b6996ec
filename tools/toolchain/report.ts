/** `271.2 s`, `0.0 s`. */
export function seconds(value: number): string {
  return value >= 60 && Number.isInteger(value)
    ? `${value} s`
    : `${value.toFixed(1)} s`;
}

/** A line of a step that is done: what, outcome, duration. */
export function stepLine(
  what: string,
  outcome: string,
  durationSeconds: number,
): string {
  return `${what.padEnd(42)} ${outcome.padEnd(24)} ${seconds(durationSeconds).padStart(8)}`;
}

/** Columns set out with spaces, for terminals and logs alike. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
