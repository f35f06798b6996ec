import { messageOf } from "@corral-iac/corral/core/errors";
import type {
  StageSummary,
  MachineTimes,
} from "@corral-iac/corral/core/inventory/stage";
import { openStack } from "../engine/openStack";
import type { Pulumi, StackSelection } from "../engine/pulumi";
import { exportState, resourcesOf } from "../engine/state";
import { contextOf } from "../inventory/context";
import { listersFor } from "../inventory/listers";
import { table } from "../inventory/words";
import { readHistory, type Run } from "./history";
import { type StrategyStage, stagesOf, type TimedResource } from "./stages";
import { summarize } from "./summary";

/** When a stack's machines were made, and how long each stage took. */
export interface Timeline {
  /** The engine's last runs, the newest first. */
  readonly runs: readonly Run[];
  readonly stages: readonly StrategyStage[];
  readonly summary: readonly StageSummary[];
}

/** Runs that are looked at: what was made before them has no beginning of its own. */
const RUNS = 100;
const SHOWN_RUNS = 5;

/**
 * The command `corral timeline`: how long each stage of each machine took.
 *
 * @returns 0; 1 when a hypervisor could not be asked for its own times.
 */
export async function timeline(
  selection: StackSelection,
  { json }: { readonly json: boolean },
): Promise<number> {
  const { pulumi } = await openStack(selection);
  const { complete, ...found } = await takeTimeline(pulumi);
  console.log(json ? JSON.stringify(found, undefined, 2) : timelineText(found));
  return complete ? 0 : 1;
}

/** The timeline of a stack, out of its state, its history and its hypervisors. */
export async function takeTimeline(
  pulumi: Pulumi,
): Promise<Timeline & { readonly complete: boolean }> {
  const resources: readonly TimedResource[] = resourcesOf(
    await exportState(pulumi),
  );
  const runs = readHistory(
    await pulumi.output([
      ...["stack", "history", "--json"],
      ...["--page-size", String(RUNS)],
    ]),
  );
  const times: MachineTimes[] = [];
  let complete = true;
  for (const lister of await listersFor(resources, [], contextOf(pulumi))) {
    if (lister.times === undefined) {
      continue;
    }
    const { places, references } = lister.survey(resources);
    for (const place of places) {
      try {
        times.push(...(await lister.times(place, references)));
      } catch (error) {
        complete = false;
        console.error(`warning: ${place}: ${messageOf(error)}`);
      }
    }
  }
  const stages = stagesOf(resources, runs, times);
  return {
    runs: runs.slice(0, SHOWN_RUNS),
    stages,
    summary: summarize(stages),
    complete,
  };
}

/** The timeline for people. */
export function timelineText({ runs, stages, summary }: Timeline): string {
  if (stages.length === 0) {
    return "The stack has no machines.";
  }
  const hasStrategies = stages.some(({ strategy }) => strategy !== "");
  const strategy = <T>(value: T) => (hasStrategies ? [value] : []);
  return [
    table(
      [
        "component",
        "machine",
        ...strategy("strategy"),
        "stage",
        "from",
        "took",
      ],
      stages.map((one) => [
        one.component,
        one.machine,
        ...strategy(one.strategy),
        one.stage,
        one.startedAt.replace(/\.\d+Z$/, "Z"),
        seconds(one.seconds),
      ]),
    ),
    table(
      [...strategy("strategy"), "stage", "number", "median", "longest"],
      summary.map((one) => [
        ...strategy(one.strategy),
        one.stage,
        String(one.count),
        seconds(one.medianSeconds),
        seconds(one.longestSeconds),
      ]),
    ),
    table(
      ["run", "result", "from", "took"],
      runs.map((run) => [
        run.kind,
        run.result,
        run.startedAt.replace(/\.\d+Z$/, "Z"),
        run.seconds === undefined ? "" : seconds(run.seconds),
      ]),
    ),
  ].join("\n\n");
}

function seconds(value: number): string {
  return `${value.toFixed(1)} s`;
}
