import assert from "node:assert/strict";
import * as path from "node:path";
import execa from "execa";
import { readPage, section, tableRows } from "../../support/markdown";
import { bookMachine, ProxmoxStack } from "../../support/proxmox";

type Args = Record<string, unknown>;

/** A machine's arguments before and after the change. */
interface Change {
  readonly before?: Args;
  readonly after: Args;
}

const rootDisk = { sizeGib: 8 };
const disk = { name: "data", sizeGib: 4 };
const account = { sshAuthorizedKeys: ["ssh-ed25519 AAAAme me"] };
const snippet = { users: [{ name: "ops" }] };

/** For each line of the page's table, by its first cell, a change of that argument. */
const CHANGES: Record<string, Change> = {
  "`node`": { after: { node: "pve2" } },
  "`vmId`": { after: { vmId: 8199 } },
  "`template`": { after: { template: { vmId: 9000, full: false } } },
  "`image`": {
    before: { template: undefined, image: image("one"), rootDisk },
    after: { template: undefined, image: image("two"), rootDisk },
  },
  "`pool`": { after: { pool: "ci" } },
  "`tags`, `description`": { after: { tags: ["web"], description: "Web" } },
  "`cores`, `sockets`, `cpuType`": { after: { cores: 2, cpuType: "host" } },
  "`memoryMib`, `balloonMib`": { after: { memoryMib: 2048 } },
  "`machineType`": { after: { machineType: "q35" } },
  "`bios`, `efiDisk`": { after: { bios: "ovmf", efiDisk: {} } },
  "`efiDisk.type`": {
    before: { efiDisk: { type: "2m" } },
    after: { efiDisk: { type: "4m" } },
  },
  "`tpm`": { after: { tpm: {} } },
  "`tpm.version`": {
    before: { tpm: { version: "v1.2" } },
    after: { tpm: { version: "v2.0" } },
  },
  "`osType`": { after: { osType: "other" } },
  "`rootDisk`": { before: { rootDisk }, after: { rootDisk: { sizeGib: 9 } } },
  "`rootDisk.storage`": {
    before: { rootDisk },
    after: { rootDisk: { ...rootDisk, storage: "fast" } },
  },
  "a new one among `dataDisks`": {
    before: { rootDisk },
    after: { rootDisk, dataDisks: [disk] },
  },
  "`dataDisks[].sizeGib`": {
    before: { rootDisk, dataDisks: [disk] },
    after: { rootDisk, dataDisks: [{ ...disk, sizeGib: 5 }] },
  },
  "`networks`": { after: { networks: [{ vlan: 20, firewall: true }] } },
  "`networks[].ipv4`, `networks[].ipv6`, `dns`": {
    after: { networks: [{ ipv4: { address: "10.0.0.5/24" } }] },
  },
  "`pciDevices`": { after: { pciDevices: [{ mapping: "gpu" }] } },
  "`startOrder`, `autostart`": {
    after: { startOrder: { order: 2 }, autostart: false },
  },
  "`account`": { after: { account } },
  "`account` with `onCloudInitChange: replace`": {
    before: { onCloudInitChange: "replace" },
    after: { onCloudInitChange: "replace", account },
  },
  "`cloudInit`": {
    before: { cloudInit: snippet },
    after: { cloudInit: { ...snippet, packages: ["htop"] } },
  },
  "`cloudInit` with `onCloudInitChange: replace`": {
    before: { cloudInit: snippet, onCloudInitChange: "replace" },
    after: {
      cloudInit: { ...snippet, packages: ["htop"] },
      onCloudInitChange: "replace",
    },
  },
  "`onCloudInitChange`": { after: { onCloudInitChange: "replace" } },
  "`cloudInitDrive`": {
    before: { ready: { until: "agent" } },
    after: { ready: { until: "agent" }, cloudInitDrive: false },
  },
  "`running`": { after: { running: false } },
  "`protection`": { after: { protection: true } },
  "`ready`": { after: { ready: { timeoutSeconds: 30 } } },
  "`ssh`": { after: { ssh: { user: "me", port: 2222 } } },
  "`finalForm`": {
    before: { finalForm: {} },
    after: { finalForm: { revision: "2" } },
  },
  "`shutdownTimeoutSeconds`, `createTimeoutSeconds`": {
    after: { shutdownTimeoutSeconds: 10, createTimeoutSeconds: 600 },
  },
};

/** A step of `pulumi preview --json`. */
interface Step {
  readonly op: string;
  readonly urn: string;
}

const ARGUMENTS = Object.keys(CHANGES);
const nameOf = (index: number) => `m${index}`;

// A machine for each line, one preview of all changes, which acts on nothing.
describe("the table of changes in docs/proxmox-vm.md", () => {
  let setting: ProxmoxStack;
  /** What each change does to the children of its machine. */
  const found: Record<string, Record<string, string>> = {};
  const rows = tableRows(
    section(readPage("docs/proxmox-vm.md"), "What a change does"),
  );

  before(async function () {
    this.timeout(240_000);
    setting = await ProxmoxStack.make("pvechange", {
      nodes: ["pve", "pve2"],
      pools: ["ci"],
    });
    for (const name of ["one", "two"]) {
      const file = path.join(
        setting.proxmox.folder,
        `local/import/${name}.qcow2`,
      );
      await execa("qemu-img", ["create", "-f", "qcow2", file, "1G"]);
    }
    await setting.setSecret("nodeKey", setting.proxmox.ssh.privateKey);
    declare("before");
    await setting.up();
    declare("after");
    const { exitCode, output } = await setting.stack.preview("--json");
    assert.equal(exitCode, 0, output.slice(-3000));
    const { steps } = JSON.parse(output.slice(output.indexOf("{"))) as {
      steps: Step[];
    };
    ARGUMENTS.forEach((argument, index) => {
      found[argument] = opsOf(steps, nameOf(index));
    });
  });

  after(async function () {
    this.timeout(120_000);
    await setting.remove();
  });

  function declare(when: keyof Change): void {
    const { ssh } = setting.proxmox;
    setting.declare(
      Object.fromEntries(
        ARGUMENTS.map((argument, index) => [
          nameOf(index),
          bookMachine({
            vmId: 8100 + index,
            shutdownTimeoutSeconds: 5,
            ...CHANGES[argument]?.[when],
          }),
        ]),
      ),
      {
        nodeSsh: {
          user: ssh.user,
          privateKey: { fromConfig: "nodeKey" },
          address: ssh.host,
          port: ssh.port,
        },
      },
    );
  }

  it("has a line for each change that is tried here, and no other", () => {
    assert.deepEqual(
      rows.map(([argument]) => argument).sort(),
      [...ARGUMENTS].sort(),
    );
  });

  for (const argument of ARGUMENTS) {
    it(`tells what a change of ${argument} does`, () => {
      const told = rows.find(([first]) => first === argument)?.[1] ?? "";
      const ops = found[argument] ?? {};
      assert.equal(meaningOf(ops), told, JSON.stringify(ops));
    });
  }
});

function image(name: string): Args {
  return { fileId: `local:import/${name}.qcow2` };
}

/** What happens to each child of a machine: its operation by the child's last name. */
function opsOf(
  steps: readonly Step[],
  machine: string,
): Record<string, string> {
  return Object.fromEntries(
    steps
      .map(({ op, urn }) => [urn.split("::").at(-1) ?? "", op] as const)
      .filter(([name, op]) => name.startsWith(`${machine}-`) && op !== "same")
      .map(([name, op]) => [name.slice(machine.length + 1), op]),
  );
}

/** The operations in the words of the page. */
function meaningOf({
  vm,
  "made-from": _noted,
  ...others
}: Record<string, string>): string {
  if (vm === "replace") {
    return "new machine";
  }
  const all = [vm, ...Object.values(others)].filter((op) => op !== undefined);
  if (all.length === 0) {
    return "nothing";
  }
  if (vm === undefined && others["final-form"] === "replace") {
    return "new snapshot";
  }
  return all.every((op) => op === "update" || op === "create")
    ? "in place"
    : `unclear: ${JSON.stringify({ vm, ...others })}`;
}
