import assert from "node:assert/strict";
import { parseStampText } from "@corral-iac/corral/core/stampText";
import { withClone } from "../../support/clone";
import { bookMachine, ProxmoxStack } from "../../support/proxmox";
import { TestStack } from "../../support/testStack";

const VM_ID = 8101;

/** A machine with everything that a machine may have. */
const FULL = {
  vmId: VM_ID,
  pool: "ci",
  tags: ["web"],
  description: "The web server.\nIts second line.",
  template: { name: "debian12" },
  cores: 2,
  sockets: 2,
  cpuType: "host",
  memoryMib: 2048,
  balloonMib: 1024,
  machineType: "q35",
  bios: "ovmf",
  efiDisk: {},
  tpm: {},
  rootDisk: { sizeGib: 20, discard: true, ssd: true, ioThread: true },
  dataDisks: [
    { name: "data", sizeGib: 10 },
    { name: "scratch", sizeGib: 5, keep: false },
  ],
  networks: [
    {
      vlan: 20,
      firewall: true,
      ipv4: { address: "10.0.0.5/24", gateway: "10.0.0.1" },
    },
    { bridge: "vmbr1", mtu: 1400 },
  ],
  dns: { servers: ["10.0.0.1"], domain: "example.org" },
  pciDevices: [{ mapping: "gpu", pcie: true }],
  startOrder: { order: 3, upDelaySeconds: 10 },
  account: { name: "ops", sshAuthorizedKeys: ["ssh-ed25519 AAAAme me"] },
  autostart: false,
  finalForm: { description: "As it was made." },
};

/** The same, grown: a disk never shrinks. */
const GROWN = {
  memoryMib: 3072,
  description: "Another text.",
  tags: ["other"],
  rootDisk: { ...FULL.rootDisk, sizeGib: 25 },
  dataDisks: [{ name: "data", sizeGib: 12 }, FULL.dataDisks[1]],
};

// One stack through its life; each step stands on the one before, so a failed one fails the rest.
describe("a ProxmoxVm through the real engine and provider", function () {
  this.bail(true);
  let setting: ProxmoxStack;
  const config = () => setting.proxmox.machine(VM_ID).config;
  const declare = (changes: Record<string, unknown> = {}) =>
    setting.declare({ web: bookMachine({ ...FULL, ...changes }) });
  const unchanged = async (...flags: string[]) => {
    const { exitCode, output } = await setting.stack.preview(
      "--expect-no-changes",
      ...flags,
    );
    assert.equal(exitCode, 0, output);
  };

  before(async () => {
    setting = await ProxmoxStack.make("pvelife", {
      pools: ["ci"],
      bridges: ["vmbr0", "vmbr1"],
    });
    declare();
  });

  after(async () => {
    const { unknownCalls } = setting.proxmox;
    await setting.remove();
    assert.deepEqual(unknownCalls, []);
  });

  it("clones the template, and says whose it is with that very call", async () => {
    await setting.up();
    const clone = setting.proxmox.requests.find(({ path }) =>
      path.endsWith("/clone"),
    );
    const { description, newid, full, storage } = clone?.parameters ?? {};
    const stamp = parseStampText(String(description));
    assert.equal(stamp?.project, "corral");
    assert.equal(stamp.stack, "pvelife");
    assert.equal(stamp.component, "ProxmoxVm");
    assert.equal(stamp.name, "web");
    assert.match(String(description), /^The web server\.\nIts second line\.\n/);
    assert.deepEqual([newid, full, storage], ["8101", "1", "local-lvm"]);
  });

  it("gives the machine what was asked for", () => {
    const found = config();
    const expected: Record<string, RegExp> = {
      name: /^corral-pvelife-web$/,
      agent: /enabled=1/,
      cores: /^2$/,
      sockets: /^2$/,
      cpu: /^host$/,
      memory: /^2048$/,
      balloon: /^1024$/,
      machine: /^q35$/,
      bios: /^ovmf$/,
      efidisk0: /efitype=4m/,
      tpmstate0: /version=v2\.0/,
      scsihw: /^virtio-scsi-single$/,
      scsi0: /vm-8101-disk-\d,.*discard=on,.*iothread=1,.*size=20G,.*ssd=1/,
      scsi1: /serial=data,size=10G/,
      scsi2: /serial=scratch,size=5G/,
      net0: /^virtio=52:[0-9A-F:]+,bridge=vmbr0,firewall=1,tag=20$/,
      net1: /^virtio=52:[0-9A-F:]+,bridge=vmbr1,firewall=0,mtu=1400$/,
      ipconfig0: /gw=10\.0\.0\.1,ip=10\.0\.0\.5\/24/,
      ipconfig1: /ip=dhcp/,
      nameserver: /^10\.0\.0\.1$/,
      searchdomain: /^example\.org$/,
      ciuser: /^ops$/,
      sshkeys: /AAAAme.*corral%20to%20corral-pvelife-web/,
      hostpci0: /mapping=gpu,pcie=1/,
      startup: /order=3,up=10/,
      onboot: /^0$/,
      tags: /^corral;corral-[0-9a-f]{8};web$/,
    };
    for (const [key, form] of Object.entries(expected)) {
      assert.match(found[key] ?? "", form, key);
    }
    const { running, pool, snapshots } = setting.proxmox.machine(VM_ID);
    assert.equal(running, true);
    assert.equal(pool, "ci");
    assert.deepEqual(Object.keys(snapshots), ["final-form"]);
  });

  it("exports the machine's name, id, addresses and connection", async () => {
    const { machines } = await setting.stack.outputs<{
      machines: Record<string, Record<string, unknown>>;
    }>();
    const { web } = machines;
    assert.equal(web?.name, "corral-pvelife-web");
    assert.equal(web.id, "8101");
    assert.equal(web.address, "10.0.0.5");
    assert.ok(
      config().net0?.toLowerCase().includes(String(web.macAddress)),
      String(web.macAddress),
    );
    assert.match(String(web.cloudInitStatus), /^status: done/);
    const connection = web.connection as Record<string, unknown>;
    assert.equal(connection.user, "ops");
    assert.equal(connection.host, "10.0.0.5");
  });

  it("has nothing to change at a second preview, and asks Proxmox VE for nothing", async () => {
    const asked = setting.proxmox.requests.length;
    await unchanged();
    assert.equal(setting.proxmox.requests.length, asked);
  });

  it("has nothing to change after a refresh", async () => {
    await unchanged("--refresh");
  });

  it("has nothing to change seen from a second clone", async () => {
    await withClone(async (clone) => {
      const other = await TestStack.make("pvelife", clone, setting.stack);
      const { exitCode, output } = await other.preview("--expect-no-changes");
      assert.equal(exitCode, 0, output);
    });
  });

  it("changes memory, disks and texts in place, by one clean restart", async () => {
    const before = setting.proxmox.requests.length;
    declare(GROWN);
    await setting.up();
    assert.deepEqual(
      setting.changes(before).filter((line) => line.includes("/status/")),
      [
        `POST /nodes/pve/qemu/${VM_ID}/status/shutdown`,
        `POST /nodes/pve/qemu/${VM_ID}/status/start`,
      ],
    );
    assert.ok(
      !setting
        .changes(before)
        .some((line) => line.startsWith("DELETE") || line.includes("clone")),
    );
    const { memory, description, tags, scsi0 } = config();
    assert.equal(memory, "3072");
    assert.match(description ?? "", /^Another text\.\n\ncorral-stamp: /);
    assert.match(tags ?? "", /;other$/);
    assert.match(scsi0 ?? "", /size=25G/);
    const holder = setting.proxmox.machines.find(
      (machine) => machine.config.name === "corral-pvelife-web-data",
    );
    assert.match(holder?.config.scsi0 ?? "", /size=12G/);
    await unchanged();
    await unchanged("--refresh");
  });

  it("brings back what was changed by hand", async () => {
    setting.proxmox.editConfig(VM_ID, { cores: "7", tags: "mine" });
    const { output } = await setting.stack.preview("--refresh");
    assert.match(output, /VirtualEnvironmentVm web-vm update/);
    await setting.up("--refresh");
    assert.equal(config().cores, "2");
    assert.match(config().tags ?? "", /^corral;/);
  });

  it("starts a machine again that was stopped by hand", async () => {
    await setting.proxmox.powerOff(VM_ID);
    await setting.up("--refresh");
    assert.equal(setting.proxmox.machine(VM_ID).running, true);
  });

  it("stops a machine that shall not run, and starts it again, without making it anew", async () => {
    const uuid = config().smbios1;
    declare({ ...GROWN, running: false });
    await setting.up();
    assert.equal(setting.proxmox.machine(VM_ID).running, false);
    declare(GROWN);
    await setting.up();
    assert.equal(setting.proxmox.machine(VM_ID).running, true);
    assert.equal(config().smbios1, uuid);
  });

  it("makes the machine anew with its VM id, MAC addresses and data disks", async () => {
    const { net0, scsi1, smbios1 } = config();
    declare({ ...GROWN, template: { name: "debian12", full: false } });
    const { output } = await setting.up();
    assert.match(output, /VirtualEnvironmentVm web-vm replac/);
    assert.match(output, /GuestReady web-ready replac/);
    assert.notEqual(config().smbios1, smbios1);
    assert.equal(config().net0, net0);
    assert.equal(
      config().scsi1?.split(",")[0],
      scsi1?.split(",")[0],
      "the same volume",
    );
    assert.deepEqual(Object.keys(setting.proxmox.machine(VM_ID).snapshots), [
      "final-form",
    ]);
    await unchanged();
  });

  it("takes the final form anew where its revision says so", async () => {
    const timeOf = () =>
      setting.proxmox.tasks.filter(({ type }) => type === "qmsnapshot").length;
    const before = timeOf();
    declare({
      ...GROWN,
      template: { name: "debian12", full: false },
      finalForm: { revision: "2" },
    });
    await setting.up();
    assert.equal(timeOf(), before + 1);
  });

  it("makes one again that was removed by hand, on a refresh", async () => {
    await setting.proxmox.powerOff(VM_ID);
    await setting.proxmox.remove(VM_ID);
    await setting.up("--refresh");
    assert.equal(setting.proxmox.machine(VM_ID).running, true);
    await unchanged();
  });

  it("leaves nothing behind but the data disk that is kept", async () => {
    const { exitCode, output } = await setting.stack.destroy();
    assert.equal(exitCode, 0, output);
    const [machine, volume, ...others] = setting.proxmox.leftovers();
    assert.match(machine ?? "", /^machine \d+ corral-pvelife-web-data$/);
    assert.match(volume ?? "", /^volume local-lvm:vm-\d+-disk-0$/);
    assert.deepEqual(others, []);
  });

  it("takes the kept disk up again where it is told to", async () => {
    const volume = setting.proxmox.leftovers()[1]?.replace("volume ", "");
    declare({
      dataDisks: [{ name: "data", sizeGib: 12, adopt: volume }],
      finalForm: undefined,
    });
    await setting.up();
    assert.ok(config().scsi1?.startsWith(`${volume},`), config().scsi1);
    await unchanged("--refresh");
    const destroyed = await setting.stack.destroy();
    assert.equal(destroyed.exitCode, 0, destroyed.output);
    assert.ok(setting.proxmox.leftovers().includes(`volume ${volume}`));
  });
});
