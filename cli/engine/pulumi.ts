import execa from "execa";

/** Which stack of which program. */
export interface StackSelection {
  /** Folder of Pulumi.yaml. */
  readonly cwd: string;
  /** Default: the one that Pulumi has selected. */
  readonly stack?: string | undefined;
  /** The stack's configuration, where it does not stand in its usual place. */
  readonly configFile?: string | undefined;
}

/** Commands of Pulumi that take a stack's configuration file. */
const TAKE_CONFIG_FILE = ["up", "preview", "refresh", "destroy"];

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

/** How a captured command ended. */
export interface CapturedRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The Pulumi command on one stack. */
export class Pulumi {
  constructor(readonly selection: StackSelection) {}

  /** Runs a command on this terminal, with all its progress and questions. @returns its exit code. */
  async onTerminal(args: readonly string[]): Promise<number> {
    // Ctrl-C reaches Pulumi too: it cancels, says so and ends; this process outlives it to the end.
    const outlive = () => undefined;
    process.on("SIGINT", outlive);
    const run = this.start(args, "inherit");
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
  async capture(args: readonly string[]): Promise<CapturedRun> {
    const { exitCode, stdout, stderr } = await this.start(
      [...args, "--non-interactive"],
      "pipe",
    );
    return { exitCode, stdout, stderr };
  }

  /** What a command that asks nothing prints. @throws PulumiError when it fails. */
  async output(args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.capture(args);
    if (exitCode !== 0) {
      throw new PulumiError(args.join(" "), (stderr || stdout).trim());
    }
    return stdout;
  }

  private start(
    args: readonly string[],
    stdio: "inherit" | "pipe",
  ): execa.ExecaChildProcess {
    const { cwd, stack, configFile } = this.selection;
    const takesFile = TAKE_CONFIG_FILE.includes(args[0] ?? "");
    return execa(
      "pulumi",
      [
        ...args,
        ...(stack === undefined ? [] : ["--stack", stack]),
        ...(configFile !== undefined && takesFile
          ? ["--config-file", configFile]
          : []),
      ],
      {
        cwd,
        stdin: stdio === "inherit" ? "inherit" : "ignore",
        stdout: stdio,
        stderr: stdio,
        reject: false,
        maxBuffer: 1024 ** 3,
      },
    );
  }
}
