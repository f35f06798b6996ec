import * as fs from "node:fs";
import { readRefresh, type RefreshResult } from "../engine/refreshEvents";
import { lastWords, runPulumi, type StackOptions } from "../engine/runPulumi";
import { readIfThere, stackFile } from "../engine/stackFile";
import { DEPLOYED_KEY, isMarkedDeployed } from "../gate/deployed";
import { driftOf, type DriftReport } from "./driftReport";
import { renderDrift, renderDriftMarkdown } from "./render";

/** The options of `corral drift`. */
export interface DriftOptions extends StackOptions {
  readonly json: boolean;
  /** Nothing is done for a stack that its file does not mark as deployed. */
  readonly ifDeployed: boolean;
  /** Where the report is written as Markdown beside standard output. */
  readonly markdown?: string;
}

/** Exit code when something is not as the state says. */
const DRIFT = 3;

/**
 * The command `corral drift`: asks the providers for every resource of the state, by the preview of
 * a refresh, and changes neither the state nor the hypervisor.
 *
 * @returns its exit code.
 * @throws Error when nothing could be compared.
 */
export async function drift(options: DriftOptions): Promise<number> {
  const isDeployed = isMarkedDeployed(readIfThere(stackFile(options)) ?? "");
  if (options.ifDeployed && !isDeployed) {
    console.log(
      `Stack ${options.stack} is not marked as deployed (${DEPLOYED_KEY}): not compared.`,
    );
    return 0;
  }
  const report = await lookForDrift(options, isDeployed);
  process.stdout.write(
    options.json
      ? `${JSON.stringify(report, undefined, 2)}\n`
      : renderDrift(report),
  );
  if (options.markdown !== undefined) {
    fs.writeFileSync(options.markdown, renderDriftMarkdown(report));
  }
  return report.errors.length > 0 ? 1 : report.drifts.length > 0 ? DRIFT : 0;
}

async function lookForDrift(
  options: DriftOptions,
  isDeployed: boolean,
): Promise<DriftReport> {
  const { stack } = options;
  const run = await runPulumi(
    ["refresh", "--preview-only", "--json"],
    options,
    {
      PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "true",
    },
  );
  const failed = (why: string) =>
    new Error(`Stack ${stack} could not be compared: ${why}`);
  let result: RefreshResult;
  try {
    result = readRefresh(run.stdout);
  } catch (error) {
    // A run that failed early has printed nothing of use: its error stream says why.
    throw run.exitCode !== 0
      ? failed(`pulumi refresh failed with ${lastWords(run)}`)
      : error;
  }
  const { steps, errors } = result;
  if (steps.length === 0 && isDeployed) {
    throw failed(
      `it is marked as deployed (${DEPLOYED_KEY}), and its state is empty. Is it the right backend?`,
    );
  }
  return {
    stack,
    looked: steps.length,
    drifts: driftOf(steps),
    errors:
      errors.length === 0 && run.exitCode !== 0
        ? [`pulumi refresh failed with ${lastWords(run)}`]
        : errors,
  };
}
