import assert from "node:assert/strict";
import { ProxmoxClient } from "@corral-iac/corral/core/proxmox-client/client";
import { bookMachine, ProxmoxStack } from "../../support/proxmox";

const VM_ID = 8101;
const WEAK_TOKEN = "corral@pve!weak";

/** What is in the way, and what `up` says of it. */
interface Case {
  readonly what: string;
  readonly machine?: Record<string, unknown>;
  readonly hypervisor?: Record<string, unknown>;
  readonly says: readonly RegExp[];
  /** Puts it in the way; what it returns takes it away again. */
  readonly prepare?: (setting: ProxmoxStack) => Promise<() => unknown>;
}

const CASES: readonly Case[] = [
  {
    what: "a template that is not there",
    machine: { template: { vmId: 9999 } },
    says: [/there is no template 9999 at .*; there are: debian12 \(9000\)/],
  },
  {
    what: "a template's name that nothing has",
    machine: { template: { name: "debian21" } },
    says: [/there is no template "debian21" .*; there are: debian12 \(9000\)/],
  },
  {
    what: "a VM id that somebody else's machine has",
    prepare: async ({ proxmox }) => {
      const client = new ProxmoxClient(proxmox);
      const upid = await client.post<string>("nodes/pve/qemu/9000/clone", {
        newid: VM_ID,
        name: "somebodys",
      });
      await client.waitForTask(upid);
      client.close();
      return () => proxmox.remove(VM_ID);
    },
    says: [
      /vmId is 8101: 8101 is taken .* by a VM "somebodys" on node pve that Corral did not make; give another vmId/,
    ],
  },
  {
    what: "a storage that is not there",
    machine: { rootDisk: { sizeGib: 8, storage: "slow" } },
    says: [
      /rootDisk\.storage is "slow", which is no storage of node pve that the token sees; storages there that take images: local-lvm/,
    ],
  },
  {
    what: "a data disk's storage that is not there",
    machine: {
      rootDisk: { sizeGib: 8 },
      dataDisks: [{ name: "data", sizeGib: 1, storage: "slow" }],
    },
    says: [/dataDisks\[0\]\.storage is "slow", which is no storage of node/],
  },
  {
    what: "a storage that takes no disk images",
    machine: { cloudInitStorage: "local" },
    says: [/cloudInitStorage is "local", which takes .* and not images/],
  },
  {
    what: "a node that is not there",
    machine: { node: "pve9" },
    says: [
      /node is "pve9", which is no node of this cluster; must be one of pve, pve2/,
    ],
  },
  {
    what: "a node that is down",
    machine: { node: "pve2" },
    prepare: ({ proxmox }) => {
      proxmox.setOnline("pve2", false);
      return Promise.resolve(() => proxmox.setOnline("pve2", true));
    },
    says: [/node is "pve2", which is offline/],
  },
  {
    what: "a token without a privilege, named with its path",
    hypervisor: { apiToken: { fromConfig: "weakToken" } },
    says: [
      /The API token corral@pve!weak lacks the privilege .*VM\.Allocate.* on \/vms\/8101/,
      /The API token corral@pve!weak lacks the privilege VM\.Clone on \/vms\/9000/,
      /The API token corral@pve!weak lacks the privilege Datastore\.AllocateSpace on \/storage\/local-lvm/,
    ],
  },
  {
    what: "a token that is not accepted",
    hypervisor: { apiToken: { fromConfig: "wrongToken" } },
    says: [/The API token corral@pve!lab is not accepted/],
  },
  {
    what: "a server that does not answer",
    hypervisor: { endpoint: "https://127.0.0.1:9" },
    says: [/Proxmox VE at https:\/\/127\.0\.0\.1:9 cannot be reached/],
  },
  {
    what: "a certificate that nobody trusts",
    hypervisor: { insecure: false },
    says: [/The certificate of https:\/\/127.* is not trusted/],
  },
];

describe("a ProxmoxVm with something in its way", () => {
  let setting: ProxmoxStack;
  const declare = (given: Partial<Case>) =>
    setting.declare(
      { web: bookMachine({ vmId: VM_ID, ...given.machine }) },
      given.hypervisor,
    );

  before(async () => {
    setting = await ProxmoxStack.make("pvebad", {
      nodes: ["pve", "pve2"],
      tokens: [
        { id: "corral@pve!lab" },
        { id: WEAK_TOKEN, privileges: { "/": ["VM.Audit", "Sys.Audit"] } },
      ],
    });
    const [, weak = ""] = setting.proxmox.tokens;
    await setting.setSecret("weakToken", weak);
    await setting.setSecret(
      "wrongToken",
      setting.proxmox.apiToken.replace(/=.*/, `=${"0".repeat(8)}`),
    );
  });

  after(async () => {
    declare({});
    const { unknownCalls } = setting.proxmox;
    await setting.remove();
    assert.deepEqual(unknownCalls, []);
  });

  for (const given of CASES) {
    it(`${given.what}: says so before anything is made`, async () => {
      const takeAway = await given.prepare?.(setting);
      declare(given);
      const before = setting.proxmox.requests.length;
      try {
        const { exitCode, output } = await setting.stack.up();
        assert.notEqual(exitCode, 0);
        for (const words of given.says) {
          assert.match(output.replace(/\s+/g, " "), words);
        }
        assert.doesNotMatch(output, new RegExp(setting.proxmox.apiToken));
        assert.deepEqual(setting.changes(before), []);
      } finally {
        await takeAway?.();
      }
    });
  }

  it("is made by the next up, when nothing is in the way any more", async () => {
    declare({});
    await setting.up();
    assert.equal(setting.proxmox.machine(VM_ID).running, true);
  });

  it("is told all that is wrong with a fleet at once, before anything is asked", async () => {
    declare({
      machine: {
        cores: 0,
        memoryMib: 1,
        image: { fileId: "x" },
        networks: [{ ipv4: { address: "10.0.0.300" } }],
      },
      hypervisor: { endpoint: "http://pve" },
    });
    const asked = setting.proxmox.requests.length;
    const { exitCode, output } = await setting.stack.preview();
    assert.notEqual(exitCode, 0);
    for (const path of [
      "hypervisors.pve.proxmox.endpoint",
      "machines.web.proxmox has template and image",
      "machines.web.proxmox.cores",
      "machines.web.proxmox.memoryMib",
      "machines.web.proxmox.networks[0].ipv4.address",
    ]) {
      assert.ok(output.includes(path), `${path} in\n${output}`);
    }
    assert.equal(setting.proxmox.requests.length, asked);
  });
});
