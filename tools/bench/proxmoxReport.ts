import type { Gate } from "./gates";
import type { ProxmoxFigure } from "./proxmoxBench";
import {
  CORRAL,
  PROXMOX_OPERATIONS,
  PROXMOX_SIDES,
  type ProxmoxOperation,
  type ProxmoxSideName,
} from "./proxmoxSides";
import { markdownTable } from "./report";
import { inWords, summarize, type Summary } from "./statistics";

/**
 * How many calls Corral may make for each machine beyond those of the bare provider. A creation looks
 * whether something is in the way, asks the guest agent until the guest is ready, and chooses a VM id.
 */
const MOST_MORE: Readonly<Record<ProxmoxOperation, number>> = {
  create: 18,
  "no-op up": 0,
  refresh: 0,
  destroy: 2,
};

interface Result {
  readonly calls: Summary;
  readonly changing: Summary;
  readonly seconds: Summary;
}

/** The figures as Markdown: a table, and the gates. */
export function proxmoxText(
  figures: readonly ProxmoxFigure[],
  gates: readonly Gate[],
): string {
  const counts = countsOf(figures);
  const rows = counts.flatMap((machines) =>
    PROXMOX_OPERATIONS.map((operation) => [
      String(machines),
      operation,
      ...PROXMOX_SIDES.flatMap((side) => {
        const result = resultOf(figures, side, machines, operation);
        return result
          ? [
              inWords(result.calls, 1),
              inWords(result.changing, 1),
              inWords(result.seconds, 1),
            ]
          : ["", "", ""];
      }),
    ]),
  );
  const runs = counts.map((machines) => {
    const result = resultOf(figures, CORRAL, machines, "create");
    return `${machines}: ${result?.calls.runs ?? 0}`;
  });
  return [
    `Runs by number of machines: ${runs.join(", ")}. Median, and in brackets the least and the most.`,
    "",
    markdownTable(
      [
        "machines",
        "operation",
        ...PROXMOX_SIDES.flatMap((side) => [
          `${side}, calls for each machine`,
          "of which not GET",
          "s",
        ]),
      ],
      rows,
    ),
    "",
    ...gates.map(
      ({ what, passed }) => `- ${passed ? "PASS" : "FAIL"}: ${what}`,
    ),
  ].join("\n");
}

/** The gates of a run: one for each operation. A gate whose figures are missing is not passed. */
export function proxmoxGates(figures: readonly ProxmoxFigure[]): Gate[] {
  return PROXMOX_OPERATIONS.map((operation) => gateOf(figures, operation));
}

function gateOf(
  figures: readonly ProxmoxFigure[],
  operation: ProxmoxOperation,
): Gate {
  const most = MOST_MORE[operation];
  const bound = `${operation}: calls for each machine beyond the bare provider's, at most ${most}`;
  const more = countsOf(figures).map((machines) => {
    const [own, bare] = PROXMOX_SIDES.map(
      (side) => resultOf(figures, side, machines, operation)?.calls.median,
    );
    return own === undefined || bare === undefined
      ? undefined
      : { machines, own, bare };
  });
  const known = more.filter((one) => one !== undefined);
  if (known.length === 0 || known.length < more.length) {
    return { what: `${bound}: not measured`, passed: false };
  }
  const told = known.map(
    ({ machines, own, bare }) =>
      `${own.toFixed(1)} - ${bare.toFixed(1)} = ${(own - bare).toFixed(1)} (machines: ${machines})`,
  );
  return {
    what: `${bound}: ${told.join(", ")}`,
    passed: known.every(({ own, bare }) => own - bare <= most),
  };
}

function countsOf(figures: readonly ProxmoxFigure[]): number[] {
  return [...new Set(figures.map(({ machines }) => machines))].sort(
    (a, b) => a - b,
  );
}

/** Sums all runs up, calls for each machine. */
function resultOf(
  figures: readonly ProxmoxFigure[],
  side: ProxmoxSideName,
  machines: number,
  operation: ProxmoxOperation,
): Result | undefined {
  const found = figures.filter(
    (figure) =>
      figure.side === side &&
      figure.machines === machines &&
      figure.operation === operation,
  );
  return found.length === 0
    ? undefined
    : {
        calls: summarize(found.map(({ calls }) => calls.all / machines)),
        changing: summarize(
          found.map(({ calls }) => calls.changing / machines),
        ),
        seconds: summarize(found.map(({ seconds }) => seconds)),
      };
}
