import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import type {
  HypervisorObject,
  InventoryContext,
  Lister,
} from "@corral-iac/corral/core/inventory/lister";
import type { ProxmoxClient } from "@corral-iac/corral/core/proxmox-client/client";
import { settleMakings } from "@corral-iac/corral/proxmox/inventory/makings";
import { renderDescription } from "@corral-iac/corral/proxmox/owner";
import { proxmoxLister } from "@corral-iac/corral/proxmox/inventory/lister";
import {
  type ProxmoxSimulator,
  startProxmox,
} from "@corral-iac/tools/lab/proxmox/index";
import {
  beginClone,
  clientOf,
  clone,
  stampOf,
} from "../../support/proxmoxMachines";

const STACK = { project: "corral", stack: "acme/corral/dev" };

describe("the inventory of Proxmox VE", () => {
  let simulator: ProxmoxSimulator;
  let client: ProxmoxClient;
  let lister: Lister;
  let said: string[];

  async function start(
    options: Parameters<typeof startProxmox>[0] = {},
  ): Promise<void> {
    simulator = await startProxmox({ taskMs: 20, ...options });
    client = clientOf(simulator);
    said = [];
    const context: InventoryContext = {
      environment: {
        PROXMOX_VE_ENDPOINT: simulator.endpoint,
        PROXMOX_VE_API_TOKEN: simulator.apiToken,
        PROXMOX_VE_INSECURE: "true",
      },
      plainResources: () => Promise.resolve([]),
      configValue: () => Promise.resolve(undefined),
      say: (line) => void said.push(line),
    };
    lister = proxmoxLister(context);
  }

  afterEach(async () => {
    const { unknownCalls } = simulator;
    client.close();
    await simulator.stop();
    assert.deepEqual(unknownCalls, []);
  });

  const list = () => lister.list(simulator.endpoint, STACK);
  const found = async (name: string): Promise<HypervisorObject> => {
    const { objects } = await list();
    const object = objects.find((candidate) => candidate.name === name);
    assert.ok(object, `${name} is not among ${objects.map((o) => o.name)}`);
    return object;
  };
  const remove = (object: HypervisorObject) =>
    lister.remove(simulator.endpoint, object);
  const snippet = (name: string) => {
    const { path: folder = "" } = simulator.state.storages.local ?? {};
    const file = path.join(folder, "snippets", name);
    fs.writeFileSync(file, "#cloud-config\n");
    return file;
  };

  it("knows whose a machine is by its description, before it has a tag", async () => {
    await start();
    await clone(client, { vmId: 101, stamp: stampOf("web") });
    await clone(client, { vmId: 102, name: "by-hand" });
    await clone(client, {
      vmId: 103,
      stamp: { ...stampOf("web", "fedcba9876543210"), stack: "prod" },
    });
    const { objects, blind, unsettled } = await list();
    const owners = objects.map(({ id, owner }) => [
      id,
      owner?.stampId,
      owner?.namesThisStack,
    ]);
    assert.deepEqual(owners.sort(), [
      ["pve/101", "0123456789abcdef", true],
      ["pve/102", undefined, undefined],
      ["pve/103", "fedcba9876543210", false],
      ["pve/9000", undefined, undefined],
    ]);
    const own = await found("corral-dev-101");
    assert.equal(own.handle, "vm:101");
    assert.match(
      own.owner?.description ?? "",
      /ProxmoxVm "web" of corral\/dev \(stamp 0123456789abcdef\)/,
    );
    assert.deepEqual([blind, unsettled], [[], []]);
  });

  it("takes no copy for its own that somebody made by hand", async () => {
    await start();
    await clone(client, { vmId: 101, stamp: stampOf("web") });
    await client.waitForTask(
      await client.post("nodes/pve/qemu/101/clone", {
        newid: 200,
        name: "for-debugging",
      }),
    );
    assert.match(simulator.machine(200).config.description ?? "", /vmid=101/);
    assert.equal((await found("for-debugging")).owner, undefined);
  });

  it("waits for a clone that was ordered, and then knows whose it is", async () => {
    await start({ taskMs: { qmclone: 1500 } });
    await beginClone(client, { vmId: 101, stamp: stampOf("web") });
    const clone = await found("corral-dev-101");
    assert.equal(clone.owner?.stampId, "0123456789abcdef");
    assert.match(said.join("\n"), /Waiting for https.*VM 101, a clone of 9000/);
  });

  it("waits for a machine that is made from nothing, which its task names", async () => {
    await start({ taskMs: { qmcreate: 1500 } });
    await client.post("nodes/pve/qemu", {
      vmid: 102,
      name: "corral-dev-disk",
      description: renderDescription(stampOf("db"), 102, undefined),
    });
    const made = await found("corral-dev-disk");
    assert.equal(made.owner?.stampId, "0123456789abcdef");
    assert.match(said.join("\n"), /Waiting for https.*VM 102, which is being/);
  });

  it("tells of a clone that does not end, and does not wait for those of others", async () => {
    await start({
      tokens: [{ id: "corral@pve!lab" }, { id: "other@pve!lab" }],
      taskMs: { qmclone: 3000 },
    });
    const other = clientOf(simulator, simulator.tokens[1]);
    await beginClone(other, { vmId: 101 });
    assert.deepEqual(await settleMakings(client, ["pve"], () => undefined), []);
    other.close();
    simulator.faults.add({ on: "task", type: "qmclone", outcome: "hangs" });
    await beginClone(client, { vmId: 102, stamp: stampOf("web") });
    const [running] = await settleMakings(client, ["pve"], () => undefined, 1);
    assert.equal(running?.target, 102);
    assert.equal(running.source, "9000");
  });

  it("knows what was kept, what lends and what borrows disks, and snippets", async () => {
    await start();
    const stamp = stampOf("db");
    await clone(client, { vmId: 101, stamp });
    await clone(client, { vmId: 102, stamp });
    simulator.editConfig(102, { tags: "corral;corral-disk;corral-kept" });
    simulator.editConfig(101, {
      scsi1: "local-lvm:vm-102-disk-0,size=2G",
      cicustom: "user=local:snippets/corral-dev-db-user-data-01234567.yaml",
    });
    const file = snippet("corral-dev-db-user-data-01234567.yaml");
    snippet("somebody-elses.yaml");
    const { objects } = await list();
    const using = objects.findIndex(({ id }) => id === "pve/101");
    const holder = objects.findIndex(({ id }) => id === "pve/102");
    assert.ok(using < holder, "what borrows goes first");
    assert.deepEqual(objects[using]?.uses, [
      "vm:102",
      "snippet:local:snippets/corral-dev-db-user-data-01234567.yaml",
    ]);
    assert.equal(objects[holder]?.owner?.kept, true);

    const own = await found("corral-dev-db-user-data-01234567.yaml");
    assert.equal(own.owner?.stampId, "01234567");
    assert.equal((await found("somebody-elses.yaml")).owner, undefined);
    await remove(own);
    await remove(own);
    assert.ok(!fs.existsSync(file));
  });

  it("says where it could not look", async () => {
    await start({ nodes: ["pve", "pve2"] });
    simulator.setOnline("pve2", false);
    const { blind } = await list();
    assert.equal(blind.length, 1);
    assert.match(blind[0]?.why ?? "", /node pve2 is offline/);
  });

  describe("removing", () => {
    it("stops a machine, deletes it with its own disks, and waits for that", async () => {
      await start({ taskMs: 300 });
      await clone(client, { vmId: 101, stamp: stampOf("web") });
      await clone(client, { vmId: 102, name: "lender" });
      simulator.editConfig(101, { scsi1: "local-lvm:vm-102-disk-0,size=2G" });
      await client.waitForTask(
        await client.post("nodes/pve/qemu/101/status/start"),
      );
      const machine = await found("corral-dev-101");
      await remove(machine);
      const left = simulator.leftovers();
      assert.deepEqual(
        left.filter((line) => /\b101\b|-101-/.test(line)),
        [],
      );
      assert.ok(left.includes("volume local-lvm:vm-102-disk-0"), `${left}`);
      await remove(machine);
    });

    it("waits for the clone's end first", async () => {
      await start();
      await clone(client, { vmId: 101, stamp: stampOf("web") });
      const machine = await found("corral-dev-101");
      simulator.setLock(101, "clone");
      const removal = remove(machine);
      setTimeout(() => simulator.setLock(101, undefined), 500);
      await removal;
      assert.deepEqual(simulator.machines, []);
    });

    for (const [what, change, why] of [
      [
        "a protected machine",
        () => simulator.editConfig(101, { protection: "1" }),
        /protected.*qm set 101 --protection 0/,
      ],
      [
        "a locked machine",
        () => simulator.setLock(101, "backup"),
        /locked \(backup\).*qm unlock 101/,
      ],
      [
        "one that has another owner by now",
        () => simulator.editConfig(101, { description: "mine" }),
        /another machine by now/,
      ],
    ] as const) {
      it(`does not touch ${what}`, async () => {
        await start();
        await clone(client, { vmId: 101, stamp: stampOf("web") });
        const machine = await found("corral-dev-101");
        await client.waitForTask(
          await client.post("nodes/pve/qemu/101/status/start"),
        );
        change();
        await assert.rejects(remove(machine), why);
        assert.equal(simulator.machine(101).running, true);
      });
    }
  });

  it("shows machines as they are right now, and not those that only hold a disk", async () => {
    await start();
    const resources = ["web", "gone", "disk"].map((name, index) => ({
      urn: `urn:pulumi:dev::corral::proxmox:index/virtualEnvironmentVm:VirtualEnvironmentVm::${name}-vm`,
      type: "proxmox:index/virtualEnvironmentVm:VirtualEnvironmentVm",
      id: String(101 + index),
      provider: "urn:pulumi:dev::corral::pulumi:providers:proxmox::p::1",
    }));
    const provider = {
      urn: "urn:pulumi:dev::corral::pulumi:providers:proxmox::p",
      type: "pulumi:providers:proxmox",
      id: "1",
      inputs: { endpoint: `${simulator.endpoint}/`, insecure: "true" },
    };
    await clone(client, { vmId: 101 });
    await clone(client, { vmId: 103 });
    simulator.editConfig(103, { tags: "corral;corral-disk" });
    await client.waitForTask(
      await client.post("nodes/pve/qemu/101/status/start"),
    );
    const { places, references } = lister.survey([provider, ...resources]);
    assert.deepEqual(places, [simulator.endpoint]);
    const [web, gone, ...more] = await lister.status(
      simulator.endpoint,
      references,
    );
    assert.deepEqual(more, []);
    assert.equal(web?.state, "running");
    assert.equal(web.node, "pve");
    assert.equal(web.vcpus, 1);
    assert.equal(web.memoryMib, 512);
    assert.match(web.addresses[0] ?? "", /^10\./);
    assert.equal(gone?.state, "gone");
  });
});
