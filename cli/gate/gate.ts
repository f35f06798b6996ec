import * as fs from "node:fs";
import { stackBaseName } from "@corral-iac/corral/core/names";
import { readState } from "../engine/exportedState";
import { errorsOf, readPreview } from "../engine/previewDigest";
import { UnreadableError } from "../engine/readJson";
import { lastWords, runPulumi, type StackOptions } from "../engine/runPulumi";
import { readIfThere, stackFile, stacksWithFiles } from "../engine/stackFile";
import { isMarkedDeployed } from "./deployed";
import { renderVerdict } from "./markdown";
import { type GateSubject, judge, type Verdict } from "./verdict";

/** The options of `corral gate`. */
export interface GateOptions extends StackOptions {
  readonly labels: readonly string[];
  /** The stack's file as it is where the change goes. */
  readonly baseConfigFile?: string;
  /** Where the report is written beside standard output. */
  readonly markdown?: string;
  /** What `pulumi preview --json` printed, and `pulumi stack export`, instead of running them. */
  readonly recorded?: { readonly preview: string; readonly state: string };
  /** There is no access to the backend. */
  readonly withoutBackend: boolean;
}

/** Exit codes by outcome: 3 says that a label is missing. */
const EXIT_CODES = {
  passed: 0,
  blocked: 3,
  failed: 1,
} as const satisfies Record<Verdict["outcome"], number>;

/**
 * The command `corral gate`: previews a stack, changes nothing, and says whether machines or disks
 * would be lost.
 *
 * @returns its exit code.
 */
export async function gate(options: GateOptions): Promise<number> {
  const here = readIfThere(stackFile(options));
  const base =
    options.baseConfigFile === undefined
      ? undefined
      : readIfThere(options.baseConfigFile);
  const deployed = { here: false, base: false };
  let subject: GateSubject;
  try {
    deployed.base = isMarked(base);
    deployed.here = isMarked(here);
    subject =
      here === undefined ? { kind: "fileRemoved" } : await previewed(options);
  } catch (error) {
    subject = { kind: "unreadable", faults: [(error as Error).message] };
  }
  const { labels } = options;
  const stack = stackBaseName(options.stack);
  const stacks = stacksWithFiles(options);
  const verdict = judge({ stack, labels, stacks, deployed, subject });
  const report = renderVerdict(verdict);
  process.stdout.write(report);
  if (options.markdown !== undefined) {
    fs.writeFileSync(options.markdown, report);
  }
  return EXIT_CODES[verdict.outcome];
}

function isMarked(file: string | undefined): boolean {
  return file !== undefined && isMarkedDeployed(file);
}

async function previewed(options: GateOptions): Promise<GateSubject> {
  const { recorded } = options;
  if (recorded) {
    return {
      kind: "previewed",
      preview: readPreview(fs.readFileSync(recorded.preview, "utf8")),
      state: readState(fs.readFileSync(recorded.state, "utf8")),
    };
  }
  if (options.withoutBackend) {
    return { kind: "noBackend" };
  }
  if (!(await isInBackend(options))) {
    return { kind: "unknownStack" };
  }
  const state = readState(await printed(["stack", "export"], options));
  const run = await runPulumi(["preview", "--json"], options);
  try {
    const preview = readPreview(run.stdout);
    return run.exitCode === 0 || errorsOf(preview).length > 0
      ? { kind: "previewed", preview, state }
      : { kind: "unreadable", faults: [previewFailed(lastWords(run))] };
  } catch (error) {
    // A preview that failed has printed nothing of use: its error stream says why.
    throw error instanceof UnreadableError && run.exitCode !== 0
      ? new Error(previewFailed(lastWords(run)))
      : error;
  }
}

function previewFailed(words: string): string {
  return `pulumi preview failed with ${words}`;
}

async function isInBackend(options: StackOptions): Promise<boolean> {
  const stacks = JSON.parse(
    await printed(["stack", "ls", "--json"], options),
  ) as { name: string }[];
  return stacks.some(
    ({ name }) => stackBaseName(name) === stackBaseName(options.stack),
  );
}

async function printed(
  args: readonly string[],
  options: StackOptions,
): Promise<string> {
  const run = await runPulumi(args, options);
  if (run.exitCode !== 0) {
    throw new Error(`pulumi ${args.join(" ")} failed with ${lastWords(run)}`);
  }
  return run.stdout;
}
