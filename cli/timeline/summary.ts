import type { StageSummary } from "@corral-iac/corral/core/inventory/stage";
import type { StrategyStage } from "./stages";

/** Durations by strategy and stage, in the order in which stages come. */
export function summarize(stages: readonly StrategyStage[]): StageSummary[] {
  const groups = new Map<string, StrategyStage[]>();
  for (const stage of stages) {
    const key = `${stage.strategy}\n${stage.stage}`;
    groups.set(key, [...(groups.get(key) ?? []), stage]);
  }
  return [...groups]
    .map(([key, group]) => {
      const [strategy = "", stage = ""] = key.split("\n");
      const seconds = group
        .map((one) => one.seconds)
        .sort((one, other) => one - other);
      return {
        strategy,
        stage,
        count: seconds.length,
        medianSeconds: median(seconds),
        longestSeconds: seconds.at(-1) ?? 0,
      };
    })
    .sort((one, other) => one.strategy.localeCompare(other.strategy));
}

function median(sorted: readonly number[]): number {
  const middle = sorted.length / 2;
  const [below = 0, above = below] = [
    sorted[Math.ceil(middle) - 1],
    sorted[Math.floor(middle)],
  ];
  return Math.round(((below + above) / 2) * 10) / 10;
}
