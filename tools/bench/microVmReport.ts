import type { Gate } from "./gates";
import {
  BY_HAND,
  CORRAL,
  EMPTY,
  MICROVM_OPERATIONS,
  type MicroVmFigure,
  type MicroVmOperation,
} from "./microVmBench";
import { markdownTable } from "./report";
import { inWords, summarize, type Summary } from "./statistics";

/** Most connections to the host for an `up`, however many machines there are. */
const MOST_CONNECTIONS = 3;
/** Longest time that a no-op `up` may take beyond that of the empty program. */
const MOST_NOOP_SECONDS = 1.5;

/** The figures as Markdown: a table, and the gates. */
export function microVmText(
  figures: readonly MicroVmFigure[],
  gates: readonly Gate[],
): string {
  const rows = countsOf(figures).flatMap((machines) =>
    MICROVM_OPERATIONS.map((operation) => rowOf(figures, machines, operation)),
  );
  const runs = countsOf(figures).map(
    (machines) =>
      `${machines}: ${valuesOf(figures, CORRAL, machines, "create").length}`,
  );
  return [
    `Runs by number of machines: ${runs.join(", ")}. Median, and in brackets the least and the most.`,
    "",
    markdownTable(
      [
        "machines",
        "operation",
        `${CORRAL}, s`,
        `${BY_HAND}, s`,
        `${CORRAL} more, s for each machine`,
        "connections to the host",
        "commands there, for each machine",
      ],
      rows,
    ),
    "",
    `No-op up of the ${EMPTY}: ${words(summaryOf(figures, EMPTY, 0, "no-op up"))} s.`,
    "",
    ...gates.map(
      ({ what, passed }) => `- ${passed ? "PASS" : "FAIL"}: ${what}`,
    ),
  ].join("\n");
}

function rowOf(
  figures: readonly MicroVmFigure[],
  machines: number,
  operation: MicroVmOperation,
): string[] {
  const own = summaryOf(figures, CORRAL, machines, operation);
  const hand = summaryOf(figures, BY_HAND, machines, operation);
  const count = (of: "connections" | "commands", each: number) =>
    words(
      summed(
        figures
          .filter(isOf(CORRAL, machines, operation))
          .map((figure) => (figure[of] ?? 0) / each),
      ),
    );
  return [
    String(machines),
    operation,
    words(own),
    words(hand),
    own && hand ? ((own.median - hand.median) / machines).toFixed(1) : "",
    count("connections", 1),
    count("commands", machines),
  ];
}

/** The gates of a run. A gate whose figures are missing is not passed. */
export function microVmGates(figures: readonly MicroVmFigure[]): Gate[] {
  return [connectionGate(figures), noopGate(figures)];
}

function connectionGate(figures: readonly MicroVmFigure[]): Gate {
  const bound = `connections to the host for an up of any number of machines, at most ${MOST_CONNECTIONS}`;
  const most = figures.flatMap(({ side, operation, connections }) =>
    side === CORRAL && operation === "create" ? [connections ?? 0] : [],
  );
  return most.length === 0
    ? { what: `${bound}: not measured`, passed: false }
    : {
        what: `${bound}: ${Math.max(...most)}`,
        passed: Math.max(...most) <= MOST_CONNECTIONS,
      };
}

function noopGate(figures: readonly MicroVmFigure[]): Gate {
  const bound = `no-op up minus that of the empty program, at most ${MOST_NOOP_SECONDS.toFixed(1)} s`;
  const empty = summaryOf(figures, EMPTY, 0, "no-op up");
  const own = countsOf(figures).flatMap((machines) => {
    const summary = summaryOf(figures, CORRAL, machines, "no-op up");
    return summary ? [{ machines, median: summary.median }] : [];
  });
  if (empty === undefined || own.length === 0) {
    return { what: `${bound}: not measured`, passed: false };
  }
  const told = own.map(
    ({ machines, median }) =>
      `${median.toFixed(1)} - ${empty.median.toFixed(1)} = ${(median - empty.median).toFixed(1)} s (machines: ${machines})`,
  );
  return {
    what: `${bound}: ${told.join(", ")}`,
    passed: own.every(
      ({ median }) => median - empty.median <= MOST_NOOP_SECONDS,
    ),
  };
}

function countsOf(figures: readonly MicroVmFigure[]): number[] {
  return [...new Set(figures.map(({ machines }) => machines))]
    .filter((machines) => machines > 0)
    .sort((a, b) => a - b);
}

const isOf =
  (
    side: MicroVmFigure["side"],
    machines: number,
    operation: MicroVmOperation,
  ) =>
  (figure: MicroVmFigure) =>
    figure.side === side &&
    figure.machines === machines &&
    figure.operation === operation;

function valuesOf(
  figures: readonly MicroVmFigure[],
  ...which: Parameters<typeof isOf>
): number[] {
  return figures.filter(isOf(...which)).map(({ seconds }) => seconds);
}

function summaryOf(
  figures: readonly MicroVmFigure[],
  ...which: Parameters<typeof isOf>
): Summary | undefined {
  return summed(valuesOf(figures, ...which));
}

const summed = (values: readonly number[]) =>
  values.length === 0 ? undefined : summarize(values);

const words = (summary: Summary | undefined) =>
  summary === undefined ? "" : inWords(summary, 1);
