import * as assert from "node:assert/strict";
import type { ProxmoxVmArgs } from "@corral-iac/corral/proxmox/args";
import {
  type MachineFacts,
  ipConfigs,
  machineInputs,
} from "@corral-iac/corral/proxmox/machineInputs";
import { GOOD, MINIMAL } from "./vmArgs";

const FACTS: MachineFacts = {
  name: "shop-prod-web",
  vmId: 8101,
  description: "described",
  tags: ["corral"],
  template: { vmId: 9000, templateNode: "pve" },
  macAddresses: ["52:00:00:00:00:01", "52:00:00:00:00:02", "52:00:00:00:00:03"],
  initialization: undefined,
  dataDisks: [],
};

const render = (args: object, facts: Partial<MachineFacts> = {}) =>
  machineInputs(args as ProxmoxVmArgs, { ...FACTS, ...facts });

/** As the engine gets them: without what is left out. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe("the inputs of a machine on Proxmox VE", () => {
  it("say nothing of what is left to the template", () => {
    assert.deepEqual(Object.keys(plain(render(MINIMAL)) as object).sort(), [
      "agent",
      "clone",
      "cpu",
      "description",
      "memory",
      "migrate",
      "name",
      "networkDevices",
      "nodeName",
      "onBoot",
      "protection",
      "reboot",
      "rebootAfterUpdate",
      "started",
      "stopOnDestroy",
      "tags",
      "timeoutClone",
      "timeoutCreate",
      "timeoutMigrate",
      "timeoutReboot",
      "timeoutShutdownVm",
      "timeoutStartVm",
      "timeoutStopVm",
      "vmId",
    ]);
  });

  it("hold the fixed settings, whatever the arguments are", () => {
    const fixed = ({
      agent,
      migrate,
      rebootAfterUpdate,
      reboot,
      stopOnDestroy,
      timeoutStartVm,
      timeoutStopVm,
    }: ReturnType<typeof render>) => ({
      agent,
      migrate,
      rebootAfterUpdate,
      reboot,
      stopOnDestroy,
      timeoutStartVm,
      timeoutStopVm,
    });
    assert.deepEqual(fixed(render(MINIMAL)), fixed(render(GOOD)));
    assert.deepEqual(render(MINIMAL).agent, {
      enabled: true,
      timeout: "0s",
      trim: false,
    });
    for (const args of [MINIMAL, GOOD]) {
      assert.equal(
        (plain(render(args).clone) as { retries: number }).retries,
        1,
      );
    }
  });

  it("clone in full into the root disk's storage, linked into none", () => {
    const rootDisk = { sizeGib: 8, storage: "fast" };
    const clone = (args: object) =>
      plain(render({ ...MINIMAL, ...args }).clone);
    assert.deepEqual(clone({}), {
      vmId: 9000,
      nodeName: "pve",
      full: true,
      retries: 1,
    });
    assert.deepEqual(clone({ rootDisk }), {
      vmId: 9000,
      nodeName: "pve",
      full: true,
      datastoreId: "fast",
      retries: 1,
    });
    assert.deepEqual(
      clone({ rootDisk, template: { vmId: 9000, full: false } }),
      { vmId: 9000, nodeName: "pve", full: false, retries: 1 },
    );
  });

  it("import an image onto a disk to boot from, with a serial console", () => {
    const made = plain(
      render(
        {
          node: "pve",
          image: { fileId: "local:import/debian.qcow2" },
          rootDisk: { sizeGib: 12, interface: "virtio0" },
        },
        { template: undefined },
      ),
    ) as Record<string, unknown>;
    assert.equal(made.clone, undefined);
    assert.deepEqual(made.disks, [
      {
        interface: "virtio0",
        size: 12,
        datastoreId: "local-lvm",
        importFrom: "local:import/debian.qcow2",
        discard: "ignore",
        ssd: false,
        iothread: false,
      },
    ]);
    assert.deepEqual(made.bootOrders, ["virtio0"]);
    assert.deepEqual(made.serialDevices, [{ device: "socket" }]);
    assert.deepEqual(made.operatingSystem, { type: "l26" });
  });

  it("carry every argument", () => {
    const made = plain(render(GOOD)) as Record<string, unknown>;
    assert.deepEqual(
      {
        ...made,
        agent: undefined,
        description: undefined,
        tags: undefined,
        clone: undefined,
      },
      {
        agent: undefined,
        description: undefined,
        tags: undefined,
        clone: undefined,
        name: "shop-prod-web",
        vmId: 8101,
        nodeName: "pve1",
        poolId: "ci/web",
        cpu: { cores: 4, sockets: 2, type: "host" },
        memory: { dedicated: 4096, floating: 2048 },
        machine: "pc-q35-9.0+pve1",
        bios: "ovmf",
        efiDisk: { datastoreId: "fast", type: "4m", preEnrolledKeys: true },
        tpmState: { datastoreId: "fast", version: "v2.0" },
        operatingSystem: { type: "l26" },
        scsiHardware: "virtio-scsi-single",
        disks: [
          {
            interface: "scsi0",
            size: 20,
            datastoreId: "fast",
            discard: "on",
            ssd: true,
            iothread: true,
          },
        ],
        networkDevices: [
          {
            bridge: "vmbr1",
            vlanId: 20,
            macAddress: "52:00:00:00:00:01",
            firewall: true,
            model: "virtio",
            mtu: 9000,
          },
          {
            bridge: "vmbr0",
            macAddress: "52:00:00:00:00:02",
            firewall: false,
            model: "virtio",
          },
          {
            bridge: "vmbr0",
            macAddress: "52:00:00:00:00:03",
            firewall: false,
            model: "virtio",
          },
        ],
        hostpcis: [
          {
            device: "hostpci0",
            mapping: "gpu",
            pcie: true,
            rombar: false,
            xvga: true,
          },
        ],
        startup: { order: 3, upDelay: 10, downDelay: 20 },
        onBoot: false,
        started: true,
        protection: true,
        migrate: true,
        reboot: false,
        rebootAfterUpdate: true,
        stopOnDestroy: false,
        timeoutClone: 600,
        timeoutCreate: 600,
        timeoutMigrate: 1800,
        timeoutReboot: 300,
        timeoutShutdownVm: 120,
        timeoutStartVm: 300,
        timeoutStopVm: 120,
      },
    );
  });

  it("put data disks behind the root disk", () => {
    const disk = { interface: "scsi1", size: 5 };
    const { disks } = plain(
      render({ ...MINIMAL, rootDisk: { sizeGib: 8 } }, { dataDisks: [disk] }),
    ) as { disks: { interface: string }[] };
    assert.deepEqual(
      disks.map((one) => one.interface),
      ["scsi0", "scsi1"],
    );
  });

  it("give each interface addresses, by DHCP where nothing is said", () => {
    assert.deepEqual(
      plain(
        ipConfigs([
          {},
          { ipv4: { address: "10.0.0.5/24", gateway: "10.0.0.1" } },
          { ipv6: { address: "auto" } },
        ]),
      ),
      [
        { ipv4: { address: "dhcp" } },
        { ipv4: { address: "10.0.0.5/24", gateway: "10.0.0.1" } },
        { ipv6: { address: "auto" } },
      ],
    );
  });

  it("have no interface where none is wanted", () => {
    assert.deepEqual(render({ ...MINIMAL, networks: [] }).networkDevices, []);
  });
});
