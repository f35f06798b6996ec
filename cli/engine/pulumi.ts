import execa from "execa";
import {
  needPulumi,
  type PulumiResult,
  runPulumi,
  stackArguments,
  type StackSelection,
} from "./runPulumi";
import { withScratch } from "./scratch";

export type { StackSelection } from "./runPulumi";

/** Pulumi failed; its own words are the message. */
export class PulumiError extends Error {
  override readonly name = "PulumiError";
  constructor(
    readonly command: string,
    readonly output: string,
  ) {
    super(`pulumi ${command} failed:\n${output}`);
  }
}

/** The Pulumi command on one stack. */
export class Pulumi {
  constructor(readonly selection: StackSelection) {}

  /** Runs a command on this terminal, with all its progress and questions. @returns its exit code. */
  async onTerminal(args: readonly string[]): Promise<number> {
    needPulumi();
    return withScratch((env) => this.shown(args, env));
  }

  private async shown(
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Promise<number> {
    // Ctrl-C reaches Pulumi too: it cancels, says so and ends; this process outlives it to the end.
    const outlive = () => undefined;
    process.on("SIGINT", outlive);
    const run = execa(
      "pulumi",
      [...args, ...stackArguments(args, this.selection)],
      { cwd: this.selection.cwd, env, stdio: "inherit", reject: false },
    );
    const passOn = () => run.kill("SIGTERM", { forceKillAfterTimeout: false });
    process.on("SIGTERM", passOn);
    try {
      return (await run).exitCode;
    } finally {
      process.off("SIGINT", outlive);
      process.off("SIGTERM", passOn);
    }
  }

  /** Runs a command that asks nothing, and keeps what it prints. */
  capture(args: readonly string[]): Promise<PulumiResult> {
    return runPulumi(args, this.selection);
  }

  /** What a command that asks nothing prints. @throws PulumiError when it fails. */
  async output(args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.capture(args);
    if (exitCode !== 0) {
      throw new PulumiError(args.join(" "), (stderr || stdout).trim());
    }
    return stdout;
  }
}
