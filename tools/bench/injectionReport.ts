import type { Gate } from "./gates";
import { describeLoad, type InjectionResult } from "./injectionBench";
import { markdownTable } from "./report";
import { inWords, type Summary } from "./statistics";

/** How many times longer than rsync the files may take. */
const MOST_TIMES_RSYNC = 3;
const MANY = 100;

/** The figures as Markdown: a table, and the gates. */
export function injectionText(
  results: readonly InjectionResult[],
  empty: Summary | undefined,
  gates: readonly Gate[],
): string {
  const seconds = (summary: Summary) => inWords(summary, 2);
  const head = [
    "files",
    "rsync, s",
    "scp, s",
    "`up`, s",
    "of which the files, s",
    "`up`, MiB",
    "no-op `up`, s",
  ];
  const rows = results.map(
    ({ load, rsync, scp, up, resource, peakMib, noop }) => [
      describeLoad(load),
      ...[rsync, scp, up, resource].map(seconds),
      inWords(peakMib, 0),
      seconds(noop),
    ],
  );
  return [
    `Runs: ${results[0]?.up.runs ?? 0}. Median, and in brackets the least and the most.`,
    "",
    markdownTable(head, rows),
    ...(empty ? ["", `\`up\` of an empty program: ${seconds(empty)} s.`] : []),
    ...(gates.length > 0 ? [""] : []),
    ...gates.map(
      ({ what, passed }) => `- ${passed ? "PASS" : "FAIL"}: ${what}`,
    ),
  ].join("\n");
}

/** The gates of a run against the loopback address. A gate whose figures are missing is not passed. */
export function injectionGates(results: readonly InjectionResult[]): Gate[] {
  return [timesRsync(results), noConnections(results)];
}

function timesRsync(results: readonly InjectionResult[]): Gate {
  const bound = `${MANY} files, put there by one \`up\`, at most ${MOST_TIMES_RSYNC} times as long as by rsync`;
  const many = results.find(({ load }) => load.files === MANY);
  if (many === undefined) {
    return { what: `${bound}: not measured`, passed: false };
  }
  const [own, rsync] = [many.resource.median, many.rsync.median];
  return {
    what: `${bound}: ${own.toFixed(2)} / ${rsync.toFixed(2)} = ${(own / rsync).toFixed(1)}`,
    passed: own <= MOST_TIMES_RSYNC * rsync,
  };
}

function noConnections(results: readonly InjectionResult[]): Gate {
  const counts = results.flatMap(
    ({ noopConnections }) => noopConnections ?? [],
  );
  return {
    what: `connections to the machine in a no-op \`up\`, none: ${counts.length > 0 ? Math.max(...counts) : "not measured"}`,
    passed: counts.length > 0 && counts.every((count) => count === 0),
  };
}
