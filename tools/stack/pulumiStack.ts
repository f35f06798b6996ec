import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import execa from "execa";
import { parse, stringify } from "yaml";
import type { Toolchain } from "../toolchain";

/** The program of the command `corral` of this clone. */
export const CORRAL_PROGRAM = require.resolve("@corral-iac/cli/main");

/** Name of the ready program in its Pulumi.yaml. */
const READY_PROGRAM = "corral";

/** How a run of the Pulumi command ended. */
export interface PulumiRun {
  readonly exitCode: number;
  /** Both streams as they came; empty when they went to the terminal. */
  readonly output: string;
}

/** What to start, where, and with which variables beside this process's own. */
export interface StackCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Where a stack lives. */
export interface StackLocation {
  /** Folder of Pulumi.yaml. */
  readonly program: string;
  readonly stack: string;
  /** The program's name in its Pulumi.yaml. Default: that of the ready program. */
  readonly project?: string;
  /** Folder of the file backend, the passphrase and the stack's configuration. */
  readonly folder: string;
  /** Passphrase of the secrets. Default: a random one. */
  readonly passphrase?: string;
  /** Another state backend. Default: the file backend in the folder. */
  readonly backendUrl?: string;
}

/**
 * A stack with a backend of its own, of files unless another is named. State, passphrase and configuration stand in one folder
 * outside the clone: the engine writes its salt into the configuration, and the clone stays clean.
 */
export class PulumiStack {
  constructor(
    private readonly location: StackLocation,
    private readonly toolchain: Toolchain,
  ) {}

  /** The stack's configuration file. */
  get configFile(): string {
    return path.join(
      this.location.folder,
      `Pulumi.${this.location.stack}.yaml`,
    );
  }

  /** Makes backend and stack where there are none. */
  async ensure(): Promise<void> {
    const {
      folder,
      stack,
      project = READY_PROGRAM,
      backendUrl,
    } = this.location;
    fs.mkdirSync(path.join(folder, "state"), { recursive: true, mode: 0o700 });
    if (!fs.existsSync(this.passphraseFile)) {
      fs.writeFileSync(
        this.passphraseFile,
        this.location.passphrase ?? randomBytes(24).toString("base64url"),
        { mode: 0o600 },
      );
    }
    const state = path.join(
      folder,
      "state",
      ".pulumi",
      "stacks",
      project,
      `${stack}.json`,
    );
    // `stack init` leaves the configuration; files of another backend cannot be looked for here.
    const sign = backendUrl === undefined ? state : this.configFile;
    if (!fs.existsSync(sign)) {
      // `stack init` writes its salt beside Pulumi.yaml and knows no --config-file.
      fs.writeFileSync(
        path.join(folder, "Pulumi.yaml"),
        stringify({ name: project, runtime: "nodejs" }),
      );
      await this.must(["stack", "init", stack, "--no-select", "--cwd", folder]);
    }
  }

  /** Takes a stack file's configuration, and keeps the salt that belongs to this state. */
  configure(declaration: {
    readonly config: Readonly<Record<string, unknown>>;
  }): void {
    const own = parse(fs.readFileSync(this.configFile, "utf8")) as {
      encryptionsalt?: string;
    };
    fs.writeFileSync(
      this.configFile,
      stringify({ ...declaration, encryptionsalt: own.encryptionsalt }),
    );
  }

  /** A run of the Pulumi command on this stack, for those who start it themselves. */
  command(args: readonly string[]): StackCommand {
    const takesConfig = [
      "up",
      "preview",
      "refresh",
      "destroy",
      "config",
    ].includes(args[0] ?? "");
    return {
      file: this.toolchain.pulumi,
      // The stack's configuration file is given where the command takes one, and before a value.
      args: [
        ...args.slice(0, 1),
        ...(takesConfig ? ["--config-file", this.configFile] : []),
        ...args.slice(1),
      ],
      cwd: this.location.program,
      env: this.environment(),
    };
  }

  /** Runs the Pulumi command. */
  async run(
    args: readonly string[],
    output: "terminal" | "captured" = "captured",
  ): Promise<PulumiRun> {
    const command = this.command(args);
    const stdio = output === "terminal" ? "inherit" : "pipe";
    // As the command corral does it: the plugin of Kubernetes leaves kubeconfigs there.
    const temporary = fs.mkdtempSync(path.join(os.tmpdir(), "corral-pulumi-"));
    try {
      const run = await execa(command.file, [...command.args], {
        cwd: command.cwd,
        env: { ...command.env, TMPDIR: temporary },
        stdin: "ignore",
        stdout: stdio,
        stderr: stdio,
        all: stdio === "pipe",
        reject: false,
      });
      return { exitCode: run.exitCode, output: run.all ?? "" };
    } finally {
      fs.rmSync(temporary, { recursive: true, force: true });
    }
  }

  /** A run of the command `corral` on this stack, for those who start it themselves. */
  corralCommand(command: string, flags: readonly string[]): StackCommand {
    const { stack, program } = this.location;
    const selection = ["--stack", stack, "--config-file", this.configFile];
    return {
      file: process.execPath,
      args: [CORRAL_PROGRAM, command, ...selection, ...flags],
      cwd: program,
      env: this.environment(),
    };
  }

  /** Runs the command `corral` on this stack, on this terminal. @returns its exit code. */
  async corral(
    command: "up" | "destroy",
    flags: readonly string[],
  ): Promise<number> {
    const all = ["--yes", "--", ...flags];
    const { file, args, cwd, env } = this.corralCommand(command, all);
    const { exitCode } = await execa(file, [...args], {
      cwd,
      env,
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
      reject: false,
    });
    return exitCode;
  }

  /** Runs the Pulumi command and throws with its output when it fails. */
  async must(
    args: readonly string[],
    output: "terminal" | "captured" = "captured",
  ): Promise<string> {
    const run = await this.run(args, output);
    if (run.exitCode !== 0) {
      throw new Error(
        `pulumi ${args.join(" ")} ended with code ${run.exitCode}\n${run.output}`.trim(),
      );
    }
    return run.output;
  }

  /** The stack's outputs, secrets in plain: for the caller's eyes only. */
  async outputs<T>(): Promise<T> {
    return JSON.parse(
      await this.must(["stack", "output", "--json", "--show-secrets"]),
    ) as T;
  }

  /** Removes the stack, its state, configuration and passphrase. */
  async remove(): Promise<void> {
    await this.must([
      "stack",
      "rm",
      this.location.stack,
      "--yes",
      "--force",
      "--preserve-config",
    ]);
    fs.rmSync(this.location.folder, { recursive: true, force: true });
  }

  /** The environment that makes any `pulumi` command work on this stack. */
  environment(): Record<string, string> {
    return {
      ...this.toolchain.env,
      PULUMI_BACKEND_URL: this.backendUrl,
      PULUMI_CONFIG_PASSPHRASE_FILE: this.passphraseFile,
      PULUMI_STACK: this.location.stack,
    };
  }

  /** URL of the state backend; it may hold a password. */
  get backendUrl(): string {
    const { folder, backendUrl } = this.location;
    return backendUrl ?? `file://${path.join(folder, "state")}`;
  }

  private get passphraseFile(): string {
    return path.join(this.location.folder, "passphrase");
  }
}
