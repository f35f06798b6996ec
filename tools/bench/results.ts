import type { Measurement } from "./measure";
import { OPERATIONS, type Operation } from "./operations";
import { summarize, type Summary } from "./statistics";

/** What an operation cost on one side, over all runs. */
export interface Result {
  readonly side: string;
  /** How many machines; undefined where there are none. */
  readonly machines: number | undefined;
  readonly operation: Operation;
  readonly seconds: Summary;
  readonly peakMib: Summary;
  /** Names of processes that were there when the command had ended, in the worst run. */
  readonly lingering: readonly string[];
  /** Names of those that were there a second later, in the worst run. */
  readonly survivors: readonly string[];
}

/** A command that did not end within its limit, and with it its run. */
export interface Hang {
  readonly side: string;
  readonly machines: number | undefined;
  readonly what: string;
}

/** One run of a side: create, preview, no-op up, destroy; less where one of them hung. */
export interface Cycle {
  readonly side: string;
  readonly machines: number | undefined;
  readonly measurements: Readonly<
    Partial<Record<Operation, Omit<Measurement, "output">>>
  >;
}

/** Sums the cycles up, by number of machines, operation and side. */
export function resultsOf(cycles: readonly Cycle[]): Result[] {
  const groups = new Map<string, Cycle[]>();
  for (const cycle of cycles) {
    const key = `${cycle.machines} ${cycle.side}`;
    groups.set(key, [...(groups.get(key) ?? []), cycle]);
  }
  return [...groups.values()].flatMap((group) =>
    OPERATIONS.flatMap((operation) => resultOf(group, operation)),
  );
}

/** None when no run came as far as this operation. */
function resultOf(group: readonly Cycle[], operation: Operation): Result[] {
  const runs = group.flatMap(
    ({ measurements }) => measurements[operation] ?? [],
  );
  const [first] = group;
  if (first === undefined || runs.length === 0) {
    return [];
  }
  return [
    {
      side: first.side,
      machines: first.machines,
      operation,
      seconds: summarize(runs.map(({ seconds }) => seconds)),
      peakMib: summarize(runs.map(({ peakMib }) => peakMib)),
      lingering: longest(runs.map(({ lingering }) => lingering)),
      survivors: longest(runs.map(({ survivors }) => survivors)),
    },
  ];
}

function longest(lists: readonly (readonly { name: string }[])[]): string[] {
  const most = Math.max(...lists.map((list) => list.length));
  return (
    lists.find((list) => list.length === most)?.map(({ name }) => name) ?? []
  );
}
