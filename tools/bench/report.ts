import type { Facts } from "./facts";
import { CORRAL, EMPTY, type Gate, TERRAFORM } from "./gates";
import type { GuestTimes } from "./guestBench";
import type { Hang, Result } from "./results";
import { OPERATIONS } from "./operations";
import { inWords, type Summary } from "./statistics";

/** Running processes for each processor from which on times are worth little. */
const BUSY = 0.75;

const SIDES = [CORRAL, TERRAFORM, EMPTY];

/** On what and when, as one paragraph. */
export function factsText(facts: Facts): string {
  return [
    `Measured ${facts.date} at commit ${facts.commit} on ${facts.machine}.`,
    `Load at the start: ${facts.loadAtStart.toFixed(2)}${facts.loadAtStart > BUSY * facts.processors ? ", **busy with other work: the times are too long**" : ""}.`,
    `${facts.versions.join(", ")}.`,
  ].join(" ");
}

/** The machines' figures as Markdown: a table, what hung, what was left running, the gates. */
export function machinesText(
  results: readonly Result[],
  hangs: readonly Hang[],
  gates: readonly Gate[],
): string {
  return [
    machinesTable(results),
    "",
    ...hangsText(hangs),
    leftText(results),
    "",
    ...gates.map(
      ({ what, passed }) => `- ${passed ? "PASS" : "FAIL"}: ${what}`,
    ),
  ].join("\n");
}

function machinesTable(results: readonly Result[]): string {
  const sides = SIDES.filter((side) =>
    results.some((one) => one.side === side),
  );
  const counts = [
    ...new Set(results.flatMap(({ machines }) => machines ?? [])),
  ].sort((a, b) => a - b);
  const rows = counts.flatMap((machines) =>
    OPERATIONS.map((operation) => [
      String(machines),
      operation,
      ...sides.flatMap((side) => {
        const found = results.find(
          (one) =>
            one.side === side &&
            one.operation === operation &&
            (one.machines ?? machines) === machines,
        );
        return found
          ? [inWords(found.seconds, 1), inWords(found.peakMib, 0)]
          : ["", ""];
      }),
    ]),
  );
  const runs = counts.map((machines) => {
    const found = results.find((one) => one.machines === machines);
    return `${machines}: ${found?.seconds.runs ?? 0}`;
  });
  return [
    `Runs by number of machines: ${runs.join(", ")}. Median, and in brackets the least and the most.`,
    "",
    markdownTable(
      [
        "machines",
        "operation",
        ...sides.flatMap((side) => [`${side}, s`, `${side}, MiB`]),
      ],
      rows,
    ),
  ].join("\n");
}

function hangsText(hangs: readonly Hang[]): string[] {
  return hangs.length === 0
    ? []
    : [
        ...hangs.map(
          ({ side, machines, what }) =>
            `- ${side}, machines: ${machines ?? 0}: ${what}; its run ended there`,
        ),
        "",
      ];
}

function leftText(results: readonly Result[]): string {
  const of = (pick: (result: Result) => readonly string[]) =>
    SIDES.map((side) => {
      const lists = results.filter((one) => one.side === side).map(pick);
      const most = Math.max(0, ...lists.map((list) => list.length));
      const names = [...new Set(lists.flat())].join(", ");
      return `${side} ${most}${names ? ` (${names})` : ""}`;
    }).join(", ");
  return (
    `Processes of a command that were there when it had ended, at most: ${of(({ lingering }) => lingering)}. ` +
    `A second later: ${of(({ survivors }) => survivors)}.`
  );
}

/** Seconds of `npm run setup`, as Markdown. */
export function setupText(what: string, summary: Summary): string {
  return markdownTable(
    ["step", "seconds", "runs"],
    [[what, inWords(summary, 1), String(summary.runs)]],
  );
}

/** Seconds until a guest of the lab can be used, as Markdown. */
export function guestText({ up, bootToSsh }: GuestTimes): string {
  return markdownTable(
    ["step", "seconds", "runs"],
    [
      [
        "start of the machine to login over ssh",
        inWords(bootToSsh, 0),
        String(bootToSsh.runs),
      ],
      ["`up` as a whole", inWords(up, 1), String(up.runs)],
    ],
  );
}

/** A table of Markdown. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  return [head, head.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}
