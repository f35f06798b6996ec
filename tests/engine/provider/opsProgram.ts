import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import execa from "execa";
import { PulumiStack } from "@corral-iac/tools/stack/pulumiStack";
import type { PulumiRun } from "@corral-iac/tools/stack/pulumiStack";
import { ensureToolchain } from "@corral-iac/tools/toolchain/index";
import type { PieceName, Toolchain } from "@corral-iac/tools/toolchain/index";

const repository = path.resolve(__dirname, "../../../..");

/** A resource of our provider, or a component, as the program shall declare it. */
export interface Declared {
  /** Class, for instance `GuestReady`. */
  readonly type: string;
  /** Folder of its module in the component library. Default `guest/ops`. */
  readonly folder?: string;
  readonly name: string;
  /**
   * As JSON; `{ $secret: X }` stands for a secret Output of X, `{ $output: "NAME.FIELD" }` for an output
   * of one that was declared before.
   */
  readonly args: unknown;
}

const source = `
const fs = require("node:fs");
const path = require("node:path");
const pulumi = require("@pulumi/pulumi");
const revive = (_, value) => {
  if (value && value.$output !== undefined) {
    const [name, field] = value.$output.split(".");
    return exports[name][field];
  }
  return value && value.$secret !== undefined ? pulumi.secret(value.$secret) : value;
};
const declared = JSON.parse(fs.readFileSync(path.join(__dirname, "declared.json"), "utf8"));
for (const { type, folder = "guest/ops", name, args } of declared) {
  const module = require("@corral-iac/corral/" + folder + "/" + type[0].toLowerCase() + type.slice(1));
  exports[name] = new module[type](name, JSON.parse(JSON.stringify(args), revive));
}
`;

/** A small Pulumi program with resources of our provider only, run by the real engine. */
export class OpsProgram {
  private constructor(
    /** The program's folder; relative paths of sources start here. */
    readonly folder: string,
    private readonly stack: PulumiStack,
    private readonly toolchain: Toolchain,
  ) {}

  /** @param further pieces of the toolchain that the program needs. */
  static async make(further: readonly PieceName[] = []): Promise<OpsProgram> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-ops-"));
    const plugin = path.join(repository, "provider/bin");
    const project = {
      name: "corral",
      runtime: { name: "nodejs", options: { typescript: false } },
      main: "index.js",
      plugins: { providers: [{ name: "corral-ops", path: plugin }] },
    };
    // YAML takes JSON.
    fs.writeFileSync(path.join(folder, "Pulumi.yaml"), JSON.stringify(project));
    fs.writeFileSync(
      path.join(folder, "package.json"),
      JSON.stringify({ main: "index.js" }),
    );
    fs.writeFileSync(path.join(folder, "index.js"), source);
    fs.symlinkSync(
      path.join(repository, "node_modules"),
      path.join(folder, "node_modules"),
    );
    const toolchain = await ensureToolchain(["pulumi", "nodeHost", ...further]);
    const location = {
      program: folder,
      stack: "test",
      folder: path.join(folder, "stack"),
    };
    const stack = new PulumiStack(location, toolchain);
    await stack.ensure();
    return new OpsProgram(folder, stack, toolchain);
  }

  declare(...resources: Declared[]): void {
    fs.writeFileSync(
      path.join(this.folder, "declared.json"),
      JSON.stringify(resources),
    );
  }

  run(...args: string[]): Promise<PulumiRun> {
    return this.stack.run(args);
  }

  up(...flags: string[]): Promise<PulumiRun> {
    return this.run(
      "up",
      "--yes",
      "--skip-preview",
      "--non-interactive",
      ...flags,
    );
  }

  /** Runs the command `corral` on the stack. */
  corral(
    command: string,
    ...flags: string[]
  ): Promise<{ exitCode: number; stdout: string; stderr: string }> {
    const { file, args, cwd, env } = this.stack.corralCommand(command, flags);
    return execa(file, [...args], { cwd, env, stdin: "ignore", reject: false });
  }

  /** Takes a resource, and what depends on it, out of the state. */
  async forget(name: string): Promise<void> {
    const { deployment } = JSON.parse(await this.state()) as {
      deployment: { resources: { urn: string }[] };
    };
    const urn = deployment.resources
      .map((resource) => resource.urn)
      .find((known) => known.endsWith(`::${name}`));
    await this.stack.must([
      ...["state", "delete", urn ?? name],
      ...["--yes", "--target-dependents"],
    ]);
  }

  async state(): Promise<string> {
    return this.stack.must(["stack", "export"]);
  }

  /** An update in a process group of its own, to interrupt or to kill. */
  spawnUp(): { engine: ChildProcess; output: () => string } {
    const args = ["up", "--yes", "--skip-preview", "--non-interactive"];
    const engine = spawn(
      this.toolchain.pulumi,
      [...args, "--config-file", this.stack.configFile],
      {
        cwd: this.folder,
        env: { ...process.env, ...this.stack.environment() },
        stdio: ["ignore", "pipe", "pipe"],
        detached: true,
      },
    );
    let text = "";
    const collect = (chunk: Buffer) => {
      text += chunk.toString();
    };
    engine.stdout.on("data", collect);
    engine.stderr.on("data", collect);
    return { engine, output: () => text };
  }

  async remove(): Promise<void> {
    const destroy = () =>
      this.run("destroy", "--yes", "--skip-preview", "--non-interactive");
    if ((await destroy()).exitCode !== 0) {
      // A killed engine leaves its lock.
      await this.run("cancel", "--yes");
      await destroy();
    }
    await this.stack.remove();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Processes whose parent is this one and that run our plugin. */
export function pluginsOf(engine: number): number[] {
  return fs
    .readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
        const parent = Number(
          stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1],
        );
        const command = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8");
        return (
          parent === engine && command.includes("pulumi-resource-corral-ops")
        );
      } catch {
        return false;
      }
    });
}
