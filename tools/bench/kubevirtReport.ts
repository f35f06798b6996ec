import type { Gate } from "./gates";
import {
  KUBEVIRT_OPERATIONS,
  type KubevirtFigure,
  type KubevirtFigures,
  STRATEGIES,
} from "./kubevirtBench";
import { markdownTable } from "./report";
import { inWords, summarize } from "./statistics";

/** Most requests of Corral's own for each cluster that do not depend on how long is waited. */
const MOST_NOOP = 0;

/** The figures as Markdown: by command, by stage, and the gates. */
export function kubevirtText(
  { figures, stages, isLab }: KubevirtFigures,
  gates: readonly Gate[],
): string {
  const counts = [...new Set(figures.map(({ clusters }) => clusters))].sort(
    (a, b) => a - b,
  );
  const rows = counts.flatMap((clusters) =>
    STRATEGIES.flatMap((strategy) =>
      KUBEVIRT_OPERATIONS.flatMap((operation) => {
        const found = figures.filter(
          (one) =>
            one.clusters === clusters &&
            one.strategy === strategy &&
            one.operation === operation,
        );
        const words = (of: (figure: KubevirtFigure) => number, digits = 1) =>
          inWords(summarize(found.map(of)), digits);
        return found.length === 0
          ? []
          : [
              [
                String(clusters),
                strategy,
                operation,
                words(({ seconds }) => seconds),
                words(({ corral }) => corral / clusters),
                words(({ plugin }) => plugin / clusters),
                words(({ changing }) => changing / clusters),
              ],
            ];
      }),
    ),
  );
  const stageRows = stages.flatMap(({ clusters, stages: all }) =>
    all.map((one) => [
      String(clusters),
      one.strategy,
      one.stage,
      String(one.count),
      one.medianSeconds.toFixed(1),
      one.longestSeconds.toFixed(1),
    ]),
  );
  return [
    isLab
      ? "On the lab: **its storage and guests are simulated, so the times of disks, snapshots and machines are the lab's own settings**. What they show is what Corral and the engine add, and how that grows with the number of clusters."
      : "On a cluster of the user's own.",
    "",
    markdownTable(
      [
        "clusters",
        "strategy",
        "operation",
        "s",
        "requests of Corral for each cluster",
        "of the plugin",
        "of both, not GET",
      ],
      rows,
    ),
    "",
    "Stages of the creation, as `corral timeline` tells them:",
    "",
    markdownTable(
      ["clusters", "strategy", "stage", "number", "median, s", "longest, s"],
      stageRows,
    ),
    "",
    ...gates.map(
      ({ what, passed }) => `- ${passed ? "PASS" : "FAIL"}: ${what}`,
    ),
  ].join("\n");
}

/** A no-op up must ask the API nothing on Corral's own account. */
export function kubevirtGates(figures: readonly KubevirtFigure[]): Gate[] {
  const noops = figures.filter(({ operation }) => operation === "no-op up");
  const most = Math.max(0, ...noops.map(({ corral }) => corral));
  return [
    {
      what: `KubeVirt, no-op up: requests of Corral's own resources, at most ${MOST_NOOP}: ${noops.length === 0 ? "not measured" : most}`,
      passed: noops.length > 0 && most <= MOST_NOOP,
    },
  ];
}
