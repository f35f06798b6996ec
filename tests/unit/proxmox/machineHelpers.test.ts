import assert from "node:assert/strict";
import { ProxmoxClient } from "@corral-iac/corral/core/proxmox-client/client";
import {
  listMachines,
  type MachineRow,
} from "@corral-iac/corral/core/proxmox-client/machines";
import { AgentAccess } from "@corral-iac/corral-ops/guest/agentAccess";
import {
  agentHostKey,
  firstKey,
} from "@corral-iac/corral-ops/guest/agentHostKey";
import { ready } from "@corral-iac/corral-ops/guest/probe";
import { shutDownBeforeDelete } from "@corral-iac/corral-ops/proxmox/shutDown";
import { findTemplate } from "@corral-iac/corral-ops/proxmox/templates";
import { candidateIds, chooseVmId } from "@corral-iac/corral-ops/proxmox/vmIds";
import {
  type ProxmoxSimulator,
  startProxmox,
} from "@corral-iac/tools/lab/proxmox/index";

/** A simulator with a client on it, and a machine 8101 that runs. */
class Bench {
  private constructor(
    readonly proxmox: ProxmoxSimulator,
    readonly client: ProxmoxClient,
  ) {}

  static async start(): Promise<Bench> {
    const proxmox = await startProxmox({ taskMs: 0 });
    const bench = new Bench(proxmox, new ProxmoxClient(proxmox));
    await bench.clone(8101);
    await bench.task("nodes/pve/qemu/8101/status/start");
    return bench;
  }

  async task(path: string, parameters = {}): Promise<void> {
    const upid = await this.client.post<string>(path, parameters);
    await this.client.waitForTask(upid);
  }

  clone(newid: number): Promise<void> {
    return this.task("nodes/pve/qemu/9000/clone", { newid, full: 1 });
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.proxmox.stop();
  }
}

describe("Proxmox: helpers for a machine", () => {
  let bench: Bench;

  beforeEach(async () => {
    bench = await Bench.start();
  });
  afterEach(() => bench.stop());

  describe("a VM id", () => {
    it("is the first free one of a row that the name gives", async () => {
      const [first, second] = [...candidateIds("shop-prod-web")];
      assert.ok(first !== undefined && first >= 10_000 && first <= 99_999);
      assert.equal(await chooseVmId(bench.client, "shop-prod-web"), first);
      await bench.clone(Number(second));
      const other = await Bench.start();
      try {
        // Another server knows nothing of this one's machines.
        assert.equal(await chooseVmId(other.client, "shop-prod-web"), first);
      } finally {
        await other.stop();
      }
    });

    it("passes over ids that are taken, and those given away by this run", async () => {
      const [first, second, third] = [...candidateIds("web")].map(Number);
      await bench.clone(Number(first));
      const chosen = await Promise.all([
        chooseVmId(bench.client, "web"),
        chooseVmId(bench.client, "web"),
      ]);
      assert.deepEqual(chosen.sort(), [second, third].sort());
    });

    it("has the range twice never: every id comes once", () => {
      const ids = [...candidateIds("web")];
      assert.equal(new Set(ids).size, 90_000);
      assert.equal(ids.length, 90_000);
    });

    it("fails when the server refuses", async () => {
      bench.proxmox.faults.add({
        on: "request",
        path: "/cluster/nextid",
        answer: { status: 403, reason: "Permission check failed" },
      });
      await assert.rejects(chooseVmId(bench.client, "web"), /403 Permission/);
    });
  });

  describe("a template", () => {
    const row = (changes: Partial<MachineRow>): MachineRow => ({
      node: "pve",
      vmId: 9000,
      name: "debian12",
      status: "stopped",
      tags: [],
      lock: undefined,
      isTemplate: true,
      ...changes,
    });
    const find = (
      rows: MachineRow[],
      query: { name?: string; vmId?: number; node?: string },
    ) => findTemplate(rows, query, "https://pve:8006");

    it("is found by its name", async () => {
      const rows = await listMachines(bench.client);
      assert.equal(find(rows, { name: "debian12" }).vmId, 9000);
    });

    it("is found by its VM id, and then may be any machine", () => {
      const rows = [row({ isTemplate: false, vmId: 8101, node: "pve2" })];
      assert.equal(find(rows, { vmId: 8101 }).node, "pve2");
      assert.throws(
        () => find([row({})], { vmId: 9999 }),
        /there is no template 9999 at https:\/\/pve:8006; there are: debian12 \(9000\)/,
      );
    });

    it("is no machine of that name", () => {
      const rows = [row({ isTemplate: false }), row({ name: "alma9" })];
      assert.throws(
        () => find(rows, { name: "debian12" }),
        /there is no template "debian12" at https:\/\/pve:8006; there are: alma9 \(9000\)/,
      );
    });

    it("has to be the only one of that name, there or on its node", () => {
      const rows = [row({}), row({ vmId: 9100, node: "pve2" })];
      assert.throws(
        () => find(rows, { name: "debian12" }),
        /2 templates .* are called "debian12": 9000 on pve, 9100 on pve2; give template.vmId/,
      );
      assert.equal(find(rows, { name: "debian12", node: "pve2" }).vmId, 9100);
    });

    it("that nobody sees may be one without permission", () => {
      assert.throws(
        () => find([], { name: "debian12" }),
        /it needs VM.Audit on them/,
      );
    });
  });

  describe("a shutdown before the deletion", () => {
    const warnings: string[] = [];
    const shutDown = (timeoutSeconds = 5) =>
      shutDownBeforeDelete(
        {
          signal: new AbortController().signal,
          log: {
            debug: () => undefined,
            info: () => undefined,
            warn: (line) => warnings.push(line),
            error: () => undefined,
            status: () => undefined,
          },
        },
        bench.client,
        { node: "pve", vmId: 8101 },
        timeoutSeconds,
      );
    const powerCalls = () =>
      bench.proxmox.requests
        .filter(
          ({ method, path }) => method === "POST" && path.includes("/status/"),
        )
        .map(({ path }) => path.split("/").at(-1));

    it("asks the guest", async () => {
      await shutDown();
      assert.equal(bench.proxmox.machine(8101).running, false);
      assert.deepEqual(powerCalls(), ["start", "shutdown"]);
    });

    it("does nothing to a machine that is off", async () => {
      await shutDown();
      await shutDown();
      assert.deepEqual(powerCalls(), ["start", "shutdown"]);
    });

    it("leaves one on that is protected, and says how it is deleted", async () => {
      bench.proxmox.editConfig(8101, { protection: "1" });
      await assert.rejects(
        shutDown(),
        /VM 8101 .* is protected.*protection: false/,
      );
      assert.equal(bench.proxmox.machine(8101).running, true);
    });

    it("leaves one on that something else works on", async () => {
      bench.proxmox.setLock(8101, "backup");
      await assert.rejects(
        shutDown(),
        /VM 8101 .* is locked \(backup\).*qm unlock 8101/,
      );
      assert.deepEqual(powerCalls(), ["start"]);
    });

    it("powers it off when the shutdown fails", async () => {
      bench.proxmox.faults.add({
        on: "task",
        type: "qmshutdown",
        outcome: "fails",
        message: "VM quit/powerdown failed - got timeout",
      });
      await shutDown();
      assert.equal(bench.proxmox.machine(8101).running, false);
      assert.match(warnings.join(), /VM 8101 did not shut down.*got timeout/);
    });
  });

  describe("a host key out of a guest", () => {
    const ed25519 = `ssh-ed25519 ${Buffer.from(
      "\0\0\0\x0bssh-ed25519\0\0\0\x20".padEnd(51, "k"),
      "latin1",
    ).toString("base64")}`;

    it("is the first line that is one, without its comment", () => {
      assert.equal(firstKey(`${ed25519} root@web\n`), ed25519);
      assert.equal(firstKey(`motd\n${ed25519}\n`), ed25519);
    });

    it("is told by its agent, and pinned for the login", async () => {
      const guest = { node: "pve", vmId: 8101 };
      const { signal } = new AbortController();
      bench.proxmox.simulated.exec = () => ({
        exitCode: 0,
        stdout: `${ed25519} root@web\n`,
      });
      assert.equal(await agentHostKey(bench.client, guest, signal), ed25519);
      const used: (string | undefined)[] = [];
      const access = (pinned?: string) =>
        new AgentAccess(
          bench.client,
          guest,
          (hostKey) => {
            used.push(hostKey);
            const found = () => Promise.resolve(ready(undefined));
            return { port: found, login: found, cloudInit: notAsked };
          },
          pinned,
        );
      assert.equal((await access().login("10.0.0.5", signal)).is, "ready");
      await access("ssh-ed25519 AAAAgiven").login("10.0.0.5", signal);
      assert.deepEqual(used, [ed25519, "ssh-ed25519 AAAAgiven"]);

      bench.proxmox.simulated.exec = () => ({ exitCode: 0 });
      const early = await access().login("10.0.0.5", signal);
      assert.ok(early.is === "waiting" && /no ssh host key/.test(early.detail));
    });

    it("is none where there is none", () => {
      assert.equal(firstKey(""), undefined);
      assert.equal(firstKey("cat: no such file"), undefined);
    });
  });
});

function notAsked(): never {
  throw new Error("cloud-init is asked through the agent");
}
