import execa from "execa";
import { isOnPath } from "../setup/hostTools";
import { missingPulumi } from "../setup/pulumiVersion";

/** Where a stack is, in the words of Pulumi's own options. */
export interface StackOptions {
  readonly stack: string;
  /** Folder of Pulumi.yaml. */
  readonly cwd: string;
  /** The stack's file, where it is not the one that Pulumi finds. */
  readonly configFile?: string;
}

/** How a run of the Pulumi command ended. */
export interface PulumiResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const LONGEST_RUN_SECONDS = 1800;

/** Commands that know `--config-file`. */
const TAKES_CONFIG_FILE: readonly string[] = ["preview", "refresh"];

/**
 * Runs the Pulumi command on a stack and captures what it prints. Backend and passphrase come from
 * the environment.
 *
 * @throws Error when there is no such command, or it ran longer than half an hour.
 */
export async function runPulumi(
  args: readonly string[],
  { stack, cwd, configFile }: StackOptions,
  env: Readonly<Record<string, string>> = {},
): Promise<PulumiResult> {
  // Not left to the start itself: a failed one leaves the timer of its limit behind.
  if (!isOnPath("pulumi")) {
    throw new Error(missingPulumi());
  }
  const file =
    configFile !== undefined && TAKES_CONFIG_FILE.includes(args[0] ?? "")
      ? ["--config-file", configFile]
      : [];
  const stackArgs = args[1] === "ls" ? [] : ["--stack", stack];
  const run = await execa(
    "pulumi",
    [
      ...args,
      ...stackArgs,
      ...file,
      ...["--cwd", cwd, "--non-interactive", "--color", "never"],
    ],
    {
      env: {
        PULUMI_SKIP_UPDATE_CHECK: "true",
        // One JSON document, not a stream of events, unless that is asked for.
        PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "false",
        ...env,
      },
      stdin: "ignore",
      timeout: LONGEST_RUN_SECONDS * 1000,
      maxBuffer: 512 * 1024 * 1024,
      reject: false,
    },
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
