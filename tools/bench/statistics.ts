/** What several runs of one measurement gave. */
export interface Summary {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly runs: number;
}

/**
 * Sums up a measurement's values.
 *
 * @throws RangeError when there are none.
 */
export function summarize(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const least = sorted[0];
  const most = sorted.at(-1);
  if (least === undefined || most === undefined) {
    throw new RangeError("values has none, must have one or more");
  }
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? most;
  const lower = sorted[sorted.length % 2 === 0 ? half - 1 : half] ?? least;
  return { median: (lower + upper) / 2, least, most, runs: sorted.length };
}

/** A summary in words: `2.1 (2.0 to 2.6)`; a lone value stands without a spread. */
export function inWords(summary: Summary, digits: number): string {
  const [median, least, most] = [
    summary.median,
    summary.least,
    summary.most,
  ].map((value) => value.toFixed(digits));
  return summary.runs === 1 ? `${median}` : `${median} (${least} to ${most})`;
}
