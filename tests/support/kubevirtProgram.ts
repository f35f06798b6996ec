import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { ensureToolchain } from "@corral-iac/tools/toolchain/index";
import { REPOSITORY, TestStack } from "./testStack";

/** A program of clusters and base snapshots, as a user writes it, whose arguments a test changes. */
export class KubevirtProgram {
  private constructor(
    readonly folder: string,
    readonly stack: TestStack,
  ) {}

  /** @param name of the stack. */
  static async make(name: string): Promise<KubevirtProgram> {
    await ensureToolchain(["kubernetesPlugin"]);
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-kubevirt-"));
    fs.symlinkSync(
      path.join(REPOSITORY, "node_modules"),
      path.join(folder, "node_modules"),
    );
    fs.writeFileSync(
      path.join(folder, "Pulumi.yaml"),
      JSON.stringify({
        name: "corral",
        main: "index.js",
        runtime: { name: "nodejs", options: { typescript: false } },
        plugins: {
          providers: [
            {
              name: "corral-ops",
              path: path.join(REPOSITORY, "provider", "bin"),
            },
          ],
        },
      }),
    );
    fs.writeFileSync(path.join(folder, "index.js"), PROGRAM);
    return new KubevirtProgram(folder, await TestStack.make(name, folder));
  }

  /** Says which clusters there are, by name, with their arguments; `component` names another one. */
  declare(clusters: Readonly<Record<string, object>>): void {
    fs.writeFileSync(
      path.join(this.folder, "clusters.json"),
      JSON.stringify(clusters),
    );
  }

  /**
   * Declares clusters and makes them so.
   *
   * @returns what the engine said.
   */
  async up(
    clusters: Readonly<Record<string, object>>,
    ...flags: string[]
  ): Promise<string> {
    this.declare(clusters);
    const { exitCode, output } = await this.stack.up(...flags);
    assert.equal(exitCode, 0, output);
    return output;
  }

  /** An output, `CLUSTER.NAME`. */
  async output<T>(name: string): Promise<T> {
    return (await this.stack.outputs<Record<string, T>>())[name] as T;
  }

  /** Forgets the stack, whatever it has made. */
  abandon(): void {
    fs.rmSync(this.stack.folder, { recursive: true, force: true });
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  async remove(): Promise<void> {
    try {
      await this.stack.remove();
    } finally {
      fs.rmSync(this.folder, { recursive: true, force: true });
    }
  }
}

const PROGRAM = `
const corral = require("@corral-iac/corral");
const declared = require("./clusters.json");
const outputs = ["namespace", "strategy", "strategyReason", "fellBack", "snapshots", "machines", "connections", "skippedSteps", "kubeconfig"];
for (const [name, { component = "KubevirtCluster", ...args }] of Object.entries(declared)) {
  const made = new corral[component](name, args);
  for (const output of outputs.filter((one) => made[one] !== undefined)) {
    exports[name + "." + output] = made[output];
  }
}
`;
