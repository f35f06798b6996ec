import execa from "execa";
import { isOnPath } from "../setup/hostTools";
import { missingPulumi } from "../setup/pulumiVersion";
import { withScratch } from "./scratch";

/** Where a stack is, in the words of Pulumi's own options. */
export interface StackSelection {
  /** Default: the one that Pulumi has selected. */
  readonly stack?: string | undefined;
  /** Folder of Pulumi.yaml. */
  readonly cwd: string;
  /** The stack's file, where it is not the one that Pulumi finds. */
  readonly configFile?: string | undefined;
}

/** A stack that is named. */
export interface StackOptions extends StackSelection {
  readonly stack: string;
}

/** How a run of the Pulumi command ended. */
export interface PulumiResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const LONGEST_RUN_SECONDS = 1800;

/** Commands that know `--config-file`. */
const TAKES_CONFIG_FILE: readonly string[] = [
  "config",
  "up",
  "preview",
  "refresh",
  "destroy",
];

/** The arguments that name the stack and its file, for a command that takes them. */
export function stackArguments(
  args: readonly string[],
  { stack, configFile }: StackSelection,
): string[] {
  const takesFile = TAKES_CONFIG_FILE.includes(args[0] ?? "");
  return [
    ...(stack === undefined || args[1] === "ls" ? [] : ["--stack", stack]),
    ...(configFile !== undefined && takesFile
      ? ["--config-file", configFile]
      : []),
  ];
}

/** @throws Error that says how to get the Pulumi command when there is none. */
export function needPulumi(): void {
  // Not left to the start itself: a failed one leaves the timer of its limit behind.
  if (!isOnPath("pulumi")) {
    throw new Error(missingPulumi());
  }
}

/**
 * Runs the Pulumi command on a stack and captures what it prints. Backend and passphrase come from
 * the environment.
 *
 * @throws Error when there is no such command, or it ran longer than half an hour.
 */
export async function runPulumi(
  args: readonly string[],
  selection: StackSelection,
  env: Readonly<Record<string, string>> = {},
): Promise<PulumiResult> {
  needPulumi();
  const run = await withScratch((scratch) =>
    execa(
      "pulumi",
      [
        ...args,
        ...stackArguments(args, selection),
        ...["--cwd", selection.cwd, "--non-interactive", "--color", "never"],
      ],
      {
        env: {
          PULUMI_SKIP_UPDATE_CHECK: "true",
          // One JSON document, not a stream of events, unless that is asked for.
          PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "false",
          ...scratch,
          ...env,
        },
        stdin: "ignore",
        timeout: LONGEST_RUN_SECONDS * 1000,
        maxBuffer: 512 * 1024 * 1024,
        reject: false,
      },
    ),
  );
  if (run.exitCode === undefined) {
    const why = run.timedOut
      ? `did not end within ${LONGEST_RUN_SECONDS} s`
      : `was ended by ${run.signal ?? "something unknown"}`;
    throw new Error(`pulumi ${args.join(" ")} ${why}`);
  }
  return { exitCode: run.exitCode, stdout: run.stdout, stderr: run.stderr };
}

/** The end of what a failed run said on its error stream. */
export function lastWords({ stderr, exitCode }: PulumiResult): string {
  const said = stderr.trim().split("\n").slice(-20).join("\n");
  return `exit code ${exitCode}${said === "" ? "" : `\n${said}`}`;
}
