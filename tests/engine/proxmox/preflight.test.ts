import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import type { ProxmoxClient } from "@corral-iac/corral/core/proxmox-client/client";
import { renderStampText } from "@corral-iac/corral/core/stampText";
import {
  checkMachine,
  checkSnippet,
} from "@corral-iac/corral/proxmox/preflightChecks";
import {
  type ProxmoxOptions,
  type ProxmoxSimulator,
  startProxmox,
} from "@corral-iac/tools/lab/proxmox/index";
import { clientOf, clone, stampOf } from "../../support/proxmoxMachines";

describe("before something is made on Proxmox VE", () => {
  let simulator: ProxmoxSimulator;
  let client: ProxmoxClient;

  async function start(options: ProxmoxOptions = {}): Promise<void> {
    simulator = await startProxmox({ taskMs: 0, ...options });
    client = clientOf(simulator);
  }

  afterEach(async () => {
    const { unknownCalls } = simulator;
    client.close();
    await simulator.stop();
    assert.deepEqual(unknownCalls, []);
  });

  const machine = (changes: object = {}) => ({
    name: "corral-dev-web",
    nodeName: "pve",
    vmId: 8101,
    clone: { vmId: 9000, full: true },
    disks: [{ interface: "scsi0", datastoreId: "local-lvm", size: 4 }],
    initialization: { datastoreId: "local-lvm" },
    description: renderStampText(stampOf("web")),
    ...changes,
  });
  const snippet = (changes: object = {}) => ({
    nodeName: "pve",
    datastoreId: "local",
    contentType: "snippets",
    sourceRaw: { fileName: "corral-dev-web-user-data-01234567.yaml" },
    ...changes,
  });

  async function problems(work: Promise<void>): Promise<string> {
    const error: unknown = await work.then(
      () => assert.fail("nothing was in the way"),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof Error, String(error));
    return error.message;
  }

  it("nothing is said where nothing is in the way, and nothing is changed", async () => {
    await start();
    await checkMachine(client, machine());
    await checkSnippet(client, snippet());
    const changing = simulator.requests.filter(
      ({ method }) => method !== "GET",
    );
    assert.deepEqual(changing, []);
  });

  it("everything that is in the way is said at once", async () => {
    await start({
      tokens: [
        {
          id: "corral@pve!poor",
          privileges: {
            "/": ["VM.Audit", "Datastore.Audit"],
            "/vms/9000": ["VM.Audit"],
          },
        },
      ],
    });
    const text = await problems(
      checkMachine(
        client,
        machine({
          clone: { vmId: 9001 },
          disks: [{ interface: "scsi0", datastoreId: "tank" }],
          initialization: {
            datastoreId: "local",
            userDataFileId: "local-lvm:snippets/a.yaml",
          },
        }),
      ),
    );
    assert.match(text, /^VM "corral-dev-web" at https:.*: 8 faults/);
    for (const line of [
      /template\.vmId is 9001, and there is no such VM.*sees are 9000 \(debian12\)/,
      /rootDisk\.storage is "tank", which is no storage of node pve.*take images: local-lvm/,
      /cloudInitStorage is "local", which takes .* and not images/,
      /snippetStorage is "local-lvm", which takes .* and not snippets; .*: local$/m,
      /apiToken is not enough\..* VM\.Allocate, .*VM\.PowerMgmt.* on \/vms\/8101.*pveum acl modify \/vms\/8101 --tokens 'corral@pve!poor'/,
      /Datastore\.AllocateSpace on \/storage\/tank/,
    ]) {
      assert.match(text, line);
    }
  });

  it("a privilege may be had by the pool", async () => {
    const all = ["VM.Allocate", "VM.Audit", "VM.PowerMgmt"].concat(
      ["CPU", "Disk", "Memory", "Network", "Options", "CDROM", "Cloudinit"].map(
        (name) => `VM.Config.${name}`,
      ),
    );
    await start({
      pools: ["lab"],
      tokens: [
        {
          id: "corral@pve!pool",
          privileges: {
            "/pool/lab": all,
            "/vms/9000": ["VM.Audit", "VM.Clone"],
            "/storage": ["Datastore.AllocateSpace", "Datastore.Audit"],
          },
        },
      ],
    });
    await checkMachine(client, machine({ poolId: "lab" }));
    assert.match(
      await problems(checkMachine(client, machine())),
      /1 fault.*\n.*VM\.Allocate.* on \/vms\/8101/,
    );
  });

  describe("a VM id that is taken", () => {
    it("by its own leftover: the remedy is corral up", async () => {
      await start();
      await clone(client, { vmId: 8101, name: "w", stamp: stampOf("web") });
      assert.match(
        await problems(checkMachine(client, machine())),
        /vmId is 8101: VM 8101 "w" exists already.*`corral up` removes it; by hand: qm stop 8101; qm destroy 8101 --purge/,
      );
    });

    it("by another stack: its owner is named", async () => {
      await start();
      const stamp = { ...stampOf("db", "fedcba9876543210"), project: "shop" };
      await clone(client, { vmId: 8101, stamp });
      assert.match(
        await problems(checkMachine(client, machine())),
        /is taken at https.* by the VM "corral-dev-8101" on node pve of ProxmoxVm "db" of shop\/dev .*; give another vmId/,
      );
    });

    it("by another stack of the same name: only the user can tell", async () => {
      await start();
      await clone(client, {
        vmId: 8101,
        stamp: stampOf("web", "fedcba9876543210"),
      });
      assert.match(
        await problems(checkMachine(client, machine())),
        /corral orphans --stack dev --stamp fedcba9876543210; else give another vmId/,
      );
    });

    it("by anybody", async () => {
      await start();
      await clone(client, { vmId: 8101, name: "by-hand" });
      assert.match(
        await problems(checkMachine(client, machine())),
        /by a VM "by-hand" on node pve that Corral did not make; give another vmId/,
      );
    });

    it("by a clone that is not done", async () => {
      await start();
      await clone(client, { vmId: 8101 });
      simulator.setLock(8101, "clone");
      assert.match(
        await problems(checkMachine(client, machine())),
        /a machine has that is being made on node pve.*qm unlock 8101/,
      );
    });

    it("by something that the token does not see", async () => {
      await start({
        tokens: [
          { id: "corral@pve!lab" },
          {
            id: "corral@pve!blind",
            privileges: { "/vms/8101": [], "/": ["VM.Audit"] },
          },
        ],
      });
      await clone(client, { vmId: 8101 });
      const blind = clientOf(simulator, simulator.tokens[1]);
      assert.match(
        await problems(checkMachine(blind, machine())),
        /something at https.* has that the token may not see/,
      );
      blind.close();
    });
  });

  it("a node has to be there and online", async () => {
    await start({ nodes: ["pve", "pve2"] });
    const nowhere = machine({ nodeName: "pve9" });
    assert.match(
      await problems(checkMachine(client, nowhere)),
      /node is "pve9", which is no node of this cluster; must be one of pve, pve2/,
    );
    simulator.setOnline("pve2", false);
    const down = { nodeName: "pve2" };
    assert.match(
      await problems(checkMachine(client, machine(down))),
      /node is "pve2", which is offline/,
    );
    assert.match(
      await problems(checkSnippet(client, snippet(down))),
      /node is "pve2", which is offline/,
    );
  });

  it("a template is looked for where it is said to be", async () => {
    await start({ nodes: ["pve", "pve2"] });
    assert.match(
      await problems(checkMachine(client, machine({ nodeName: "pve2" }))),
      /template\.node is "pve2", but VM 9000 is on node pve; give template\.node/,
    );
    const clone = { vmId: 9000, nodeName: "pve" };
    await checkMachine(client, machine({ nodeName: "pve2", clone }));
  });

  it("a snippet of the same name is a leftover", async () => {
    await start();
    const { path: folder = "" } = simulator.state.storages.local ?? {};
    const name = "corral-dev-web-user-data-01234567.yaml";
    fs.writeFileSync(path.join(folder, "snippets", name), "#cloud-config\n");
    assert.match(
      await problems(checkSnippet(client, snippet())),
      /exists already on node pve\..*`corral up` removes it; by hand: pvesm free local:snippets\/corral-dev-web/,
    );
    assert.match(
      await problems(
        checkSnippet(client, snippet({ datastoreId: "local-lvm" })),
      ),
      /snippetStorage is "local-lvm", which takes .* and not snippets/,
    );
  });
});
