import type { Result } from "./results";

/** A bound that has to be held. Only figures free of guests are bounded. */
export interface Gate {
  readonly what: string;
  readonly passed: boolean;
}

/** Longest time that a no-op `up` of one machine may take beyond that of the empty program. */
const MOST_SECONDS = 4;

export const CORRAL = "Corral";
export const EMPTY = "empty program";
export const TERRAFORM = "terraform";

/**
 * The gates of a run. A gate whose figures are missing is not passed.
 *
 * @throws nothing: whatever is missing is told in the gate's text.
 */
export function gatesOf(results: readonly Result[]): Gate[] {
  return [ownCost(results), noSurvivors(results)];
}

function ownCost(results: readonly Result[]): Gate {
  const noop = (side: string, machines: number | undefined) =>
    results.find(
      (result) =>
        result.side === side &&
        result.machines === machines &&
        result.operation === "no-op up",
    )?.seconds.median;
  const [corral, empty] = [noop(CORRAL, 1), noop(EMPTY, undefined)];
  const bound = `no-op up of 1 machine minus that of the empty program, at most ${MOST_SECONDS.toFixed(1)} s`;
  if (corral === undefined || empty === undefined) {
    return { what: `${bound}: not measured`, passed: false };
  }
  const own = corral - empty;
  return {
    what: `${bound}: ${corral.toFixed(1)} - ${empty.toFixed(1)} = ${own.toFixed(1)} s`,
    passed: own <= MOST_SECONDS,
  };
}

function noSurvivors(results: readonly Result[]): Gate {
  const measured = results.filter(({ side }) => side !== TERRAFORM);
  const left = measured.flatMap(({ survivors }) => survivors);
  const count = Math.max(0, ...measured.map((one) => one.survivors.length));
  const names = left.length > 0 ? ` (${[...new Set(left)].join(", ")})` : "";
  return {
    what: `processes that outlive a command by more than 1 s, none: ${count}${names}`,
    passed: measured.length > 0 && count === 0,
  };
}
