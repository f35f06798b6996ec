import assert from "node:assert/strict";
import {
  netDevices,
  parseNetDevice,
  snippetIds,
  volumeIds,
} from "@corral-iac/corral/core/proxmox-client/machineConfig";
import {
  cloneTarget,
  parseUpid,
  taskOutcome,
  warningLines,
} from "@corral-iac/corral/core/proxmox-client/tasks";

const log = (...lines: string[]) =>
  lines.map((t, index) => ({ n: index + 1, t }));

describe("Proxmox client: a machine's configuration", () => {
  it("tells model, MAC address and bridge of a network device", () => {
    assert.deepEqual(
      parseNetDevice("virtio=BC:24:11:00:00:0A,bridge=vmbr0,firewall=1,tag=42"),
      {
        model: "virtio",
        macAddress: "bc:24:11:00:00:0a",
        bridge: "vmbr0",
        vlanTag: 42,
        firewall: true,
      },
    );
    assert.deepEqual(parseNetDevice("model=e1000,macaddr=52:54:00:00:00:01"), {
      model: "e1000",
      macAddress: "52:54:00:00:00:01",
      bridge: undefined,
      vlanTag: undefined,
      firewall: false,
    });
    assert.equal(parseNetDevice("virtio,bridge=vmbr0").model, "virtio");
    assert.equal(parseNetDevice("virtio,bridge=vmbr0").macAddress, undefined);
  });

  it("has its network devices in their order", () => {
    const config = {
      net10: "virtio=BC:24:11:00:00:10",
      net2: "virtio=BC:24:11:00:00:02",
      network: "x",
    };
    assert.deepEqual(
      netDevices(config).map(({ macAddress }) => macAddress),
      ["bc:24:11:00:00:02", "bc:24:11:00:00:10"],
    );
  });

  it("tells its volumes, among them those of EFI, TPM and cloud-init, and no empty drive", () => {
    const config = {
      scsi0: "local-lvm:vm-101-disk-0,discard=on,size=8G",
      scsi1: "file=ceph:vm-9-disk-1,size=1G",
      efidisk0: "local-lvm:vm-101-disk-1,efitype=4m",
      ide2: "local-lvm:vm-101-cloudinit,media=cdrom",
      ide3: "none,media=cdrom",
      scsihw: "virtio-scsi-single",
      boot: "order=scsi0",
    };
    assert.deepEqual(volumeIds(config), [
      "local-lvm:vm-101-disk-0",
      "ceph:vm-9-disk-1",
      "local-lvm:vm-101-disk-1",
      "local-lvm:vm-101-cloudinit",
    ]);
  });

  it("tells its snippets", () => {
    const cicustom = "user=local:snippets/a.yaml,network=local:snippets/b.yaml";
    assert.deepEqual(snippetIds({ cicustom }), [
      "local:snippets/a.yaml",
      "local:snippets/b.yaml",
    ]);
    assert.deepEqual(snippetIds({}), []);
  });
});

describe("Proxmox client: tasks", () => {
  it("take an id apart", () => {
    const text =
      "UPID:pve-1:000012AB:00034567:66AA0000:qmclone:9000:corral@pve!ci:";
    assert.deepEqual(parseUpid(text), {
      text,
      node: "pve-1",
      type: "qmclone",
      id: "9000",
      user: "corral@pve!ci",
      startTime: 0x66aa0000,
    });
    assert.equal(parseUpid("UPID:pve:1:2:3:vzdump::root@pam:")?.id, "");
    assert.equal(parseUpid("OK"), undefined);
  });

  it("tell how they went", () => {
    assert.equal(taskOutcome("OK"), "ok");
    assert.equal(taskOutcome("WARNINGS: 12"), "warnings");
    assert.equal(taskOutcome("clone failed: WARNINGS: 1"), "failed");
    assert.equal(taskOutcome("interrupted by signal"), "failed");
    assert.equal(taskOutcome(undefined), "failed");
  });

  it("tell warnings from other lines", () => {
    assert.deepEqual(
      warningLines(
        log(
          "start",
          "WARN: one",
          "  WARNING: not at its start",
          "TASK WARNINGS: 1",
        ),
      ),
      ["one"],
    );
  });

  it("tell which machine a clone makes, where they say so", () => {
    const lines = [
      "creating a clone of VM 9000 with ID 8101",
      "transferred 0 B",
    ];
    assert.equal(cloneTarget(log(...lines)), 8101);
    assert.equal(
      cloneTarget(log("create full clone of drive scsi0")),
      undefined,
    );
    assert.equal(cloneTarget([]), undefined);
  });
});
