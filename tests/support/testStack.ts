import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import execa from "execa";
import { destroyRefreshed } from "@corral-iac/cli/run/destroyRefreshed";
import {
  PulumiStack,
  type PulumiRun,
  type StackCommand,
} from "@corral-iac/tools/stack/pulumiStack";
import {
  ensureToolchain,
  piecesForStart,
} from "@corral-iac/tools/toolchain/index";
import { removeLeftovers } from "./hypervisor";

/** The repository's root, where Pulumi.yaml is. */
export const REPOSITORY = path.resolve(__dirname, "../../..");

/** Names that this process has made a stack of: what they have on the hypervisor since is the test's own. */
const madeHere = new Set<string>();

/** A stack of the ready program, with a backend of its own, for one test. */
export class TestStack {
  private constructor(
    readonly name: string,
    readonly folder: string,
    private readonly stack: PulumiStack,
  ) {}

  /**
   * @param name of the stack: it stands in the names of everything on the hypervisor.
   * @param program folder of Pulumi.yaml; another clone than this one, for instance.
   * @param backendUrl another state backend than files.
   */
  static async make(
    name: string,
    program: string = REPOSITORY,
    existing?: TestStack,
    backendUrl?: string,
  ): Promise<TestStack> {
    const folder =
      existing?.folder ??
      fs.mkdtempSync(path.join(os.tmpdir(), "corral-stack-"));
    if (!madeHere.has(name)) {
      await removeLeftovers(name);
      madeHere.add(name);
    }
    const toolchain = await ensureToolchain(piecesForStart);
    const stack = new PulumiStack(
      {
        program,
        stack: name,
        folder,
        ...(backendUrl === undefined ? {} : { backendUrl }),
      },
      toolchain,
    );
    await stack.ensure();
    return new TestStack(name, folder, stack);
  }

  /** Declares the fleet, and further configuration beside it. */
  declare(fleet: unknown, config: Record<string, unknown> = {}): void {
    this.stack.configure({ config: { "corral:fleet": fleet, ...config } });
  }

  /** Puts a secret into the stack's configuration, encrypted. */
  async setSecret(key: string, value: string): Promise<void> {
    await this.stack.must([
      "config",
      "set",
      "--secret",
      "--", // A private key begins like a flag.
      `corral:${key}`,
      value,
    ]);
  }

  /** What the command `corral` and Pulumi need to find this stack. */
  get access(): { env: Record<string, string>; configFile: string } {
    return {
      env: this.stack.environment(),
      configFile: this.stack.configFile,
    };
  }

  up(...flags: string[]): Promise<PulumiRun> {
    return this.stack.run(["up", "--yes", "--skip-preview", ...flags]);
  }

  preview(...flags: string[]): Promise<PulumiRun> {
    return this.stack.run(["preview", ...flags]);
  }

  /** A run of the Pulumi command, for tests that start it themselves. */
  command(...args: string[]): StackCommand {
    return this.stack.command(args);
  }

  /** A run of the command `corral` on this stack, for tests that start it themselves. */
  corralCommand(command: string, ...flags: string[]): StackCommand {
    return this.stack.corralCommand(command, flags);
  }

  /** Runs the command `corral` on this stack. */
  async corral(command: string, ...flags: string[]): Promise<PulumiRun> {
    const { file, args, cwd, env } = this.corralCommand(command, ...flags);
    const run = await execa(file, [...args], {
      cwd,
      env,
      stdin: "ignore",
      all: true,
      reject: false,
    });
    return { exitCode: run.exitCode, output: run.all ?? "" };
  }

  /** Runs the command `corral` on this stack, and keeps what is for programs apart. */
  async corralOutput(
    command: string,
    ...flags: string[]
  ): Promise<{ exitCode: number; stdout: string; stderr: string }> {
    const { file, args, cwd, env } = this.corralCommand(command, ...flags);
    return execa(file, [...args], { cwd, env, reject: false });
  }

  /** Takes a resource, and what depends on it, out of the state. */
  async forget(name: string): Promise<void> {
    const { resources } = await this.exportedState();
    const urn = resources.find((resource) =>
      resource.urn.endsWith(`::${name}`),
    )?.urn;
    await this.stack.must([
      "state",
      "delete",
      urn ?? name,
      "--yes",
      "--target-dependents",
    ]);
  }

  /** The stack's configuration file. */
  get configFile(): string {
    return this.stack.configFile;
  }

  /** Runs the Pulumi command with any arguments. */
  pulumi(...args: string[]): Promise<PulumiRun> {
    return this.stack.run(args);
  }

  /** URL of the state backend. */
  get backendUrl(): string {
    return this.stack.backendUrl;
  }

  refresh(): Promise<PulumiRun> {
    return this.stack.run(["refresh", "--yes", "--skip-preview"]);
  }

  destroy(): Promise<PulumiRun> {
    return destroyRefreshed(
      (args) => this.stack.run(args),
      ["--skip-preview"],
      console.log,
    );
  }

  async outputs<T>(): Promise<T> {
    return this.stack.outputs<T>();
  }

  /** The state as it is kept, secrets encrypted. */
  async exportedState(): Promise<{
    text: string;
    resources: StateResource[];
    /** Operations that the engine had begun and not noted as done. */
    pending: { type: string; urn: string }[];
  }> {
    const text = await this.stack.must(["stack", "export"]);
    const { deployment } = JSON.parse(text) as {
      deployment: {
        resources?: StateResource[];
        pending_operations?: { resource: StateResource; type: string }[];
      };
    };
    return {
      text,
      resources: deployment.resources ?? [],
      pending: (deployment.pending_operations ?? []).map(
        ({ type, resource }) => ({ type, urn: resource.urn }),
      ),
    };
  }

  /** Files that lock the stack in its backend. */
  locks(): string[] {
    const folder = path.join(this.folder, "state", ".pulumi", "locks");
    return fs.existsSync(folder)
      ? (fs.readdirSync(folder, { recursive: true }) as string[]).filter(
          (file) => file.endsWith(".json"),
        )
      : [];
  }

  /** Destroys what is there and forgets the stack; for the end of a test, also of a failed one. */
  async remove(): Promise<void> {
    const destroyed = await this.destroy();
    await this.stack.remove();
    if (destroyed.exitCode !== 0) {
      throw new Error(`the stack could not be destroyed\n${destroyed.output}`);
    }
  }
}

/** A resource in the state, as far as tests look at it. */
export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly inputs?: Record<string, unknown>;
  readonly outputs?: Record<string, unknown>;
}
