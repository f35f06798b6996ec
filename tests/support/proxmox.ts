import assert from "node:assert/strict";
import * as fs from "node:fs";
import {
  type ProxmoxSimulator,
  startProxmox,
} from "@corral-iac/tools/lab/proxmox/index";
import type { ProxmoxOptions } from "@corral-iac/tools/lab/proxmox/index";
import type { PulumiRun } from "@corral-iac/tools/stack/pulumiStack";
import { ensureToolchain } from "@corral-iac/tools/toolchain/index";
import { parse } from "yaml";
import { TestStack } from "./testStack";

type Args = Record<string, unknown>;

/** A machine that is made in the simulator's books, without a guest in it. */
export function bookMachine(changes: Args = {}): Args {
  return {
    proxmox: {
      hypervisor: "pve",
      template: { vmId: 9000 },
      shutdownTimeoutSeconds: 5,
      ready: { timeoutSeconds: 20 },
      ...changes,
    },
  };
}

/** A simulated Proxmox VE and a stack on it. */
export class ProxmoxStack {
  /** Encrypted values of the configuration: each declaration has to bring them along. */
  private secrets: Args = {};

  private constructor(
    readonly proxmox: ProxmoxSimulator,
    readonly stack: TestStack,
  ) {}

  static async make(
    name: string,
    options: ProxmoxOptions = {},
  ): Promise<ProxmoxStack> {
    await ensureToolchain(["proxmoxProvider"]);
    const proxmox = await startProxmox({ taskMs: 0, ...options });
    const stack = await TestStack.make(name);
    const made = new ProxmoxStack(proxmox, stack);
    made.declare({});
    await made.setSecret("pveToken", proxmox.apiToken);
    return made;
  }

  /** Puts a secret into the stack's configuration, for `fromConfig`. */
  async setSecret(key: string, value: string): Promise<void> {
    await this.stack.setSecret(key, value);
    const { config } = parse(
      fs.readFileSync(this.stack.configFile, "utf8"),
    ) as { config: Args };
    this.secrets[`corral:${key}`] = config[`corral:${key}`];
  }

  /** Declares the machines, all of them on the one hypervisor. */
  declare(machines: Record<string, Args>, hypervisor: Args = {}): void {
    this.stack.declare(
      {
        hypervisors: {
          pve: {
            proxmox: {
              endpoint: this.proxmox.endpoint,
              apiToken: { fromConfig: "pveToken" },
              insecure: true,
              node: "pve",
              ...hypervisor,
            },
          },
        },
        machines,
      },
      this.secrets,
    );
  }

  /** Runs `up`, which must succeed. */
  async up(...flags: string[]): Promise<PulumiRun> {
    const run = await this.stack.up(...flags);
    assert.equal(run.exitCode, 0, run.output);
    return run;
  }

  /** Requests that change something, since a place in the log. */
  changes(since = 0): string[] {
    return this.proxmox.requests
      .slice(since)
      .filter(({ method }) => method !== "GET")
      .map(({ method, path }) => `${method} ${path}`);
  }

  /** Destroys what is there and stops the simulator; for the end of a test, also of a failed one. */
  async remove(): Promise<void> {
    try {
      await this.stack.remove();
    } finally {
      await this.proxmox.stop();
    }
  }
}
