import assert from "node:assert/strict";
import fc from "fast-check";
import {
  isCloudInitDrive,
  parseDrive,
  printDrive,
} from "@corral-iac/tools/lab/proxmox/config/drives";
import {
  parseNetwork,
  printNetwork,
} from "@corral-iac/tools/lab/proxmox/config/nets";
import { isHotpluggable } from "@corral-iac/tools/lab/proxmox/config/pending";
import {
  parseProperties,
  parseSize,
  printProperties,
  printSize,
} from "@corral-iac/tools/lab/proxmox/config/propertyString";
import {
  configSchema,
  jsonValue,
} from "@corral-iac/tools/lab/proxmox/config/schema";

describe("a drive in the simulated Proxmox VE", () => {
  it("reads back with its volume first and without file=", () => {
    assert.equal(
      printDrive(
        parseDrive(
          "file=local-lvm:vm-101-disk-0,size=8589934592,discard=on,aio=io_uring",
        ),
      ),
      "local-lvm:vm-101-disk-0,aio=io_uring,discard=on,size=8G",
    );
  });

  it("takes the provider's trailing comma", () => {
    assert.equal(
      parseDrive("file=local-lvm:cloudinit,").file,
      "local-lvm:cloudinit",
    );
  });

  it("is cloud-init's by its name, also when it reads back", () => {
    for (const text of [
      "file=local-lvm:cloudinit,",
      "local-lvm:vm-101-cloudinit,media=cdrom,size=4M",
      "local:101/vm-101-cloudinit.qcow2,media=cdrom",
    ]) {
      assert.equal(isCloudInitDrive(parseDrive(text)), true, text);
    }
    for (const text of ["local:iso/a.iso,media=cdrom", "local-lvm:8", "none"]) {
      assert.equal(isCloudInitDrive(parseDrive(text)), false, text);
    }
  });
});

describe("a size", () => {
  it("is printed in the biggest unit that it is whole in", () => {
    assert.deepEqual(
      [8 * 1024 ** 3, 4 * 1024 ** 2, 528 * 1024, 2 * 1024 ** 4, 1000].map(
        printSize,
      ),
      ["8G", "4M", "528K", "2T", "1000"],
    );
  });

  it("is the same after it was printed and read", () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 50 }), (bytes) =>
        assert.equal(parseSize(printSize(bytes)), bytes),
      ),
    );
  });

  it("is none where it is no number", () => {
    assert.equal(parseSize("big"), undefined);
    assert.equal(parseSize("8X"), undefined);
  });
});

describe("a property string", () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/);
  const value = fc.stringMatching(/^[A-Za-z0-9:./-]{1,12}$/);

  it("keeps all parts, whatever their order", () => {
    fc.assert(
      fc.property(fc.dictionary(name, value), (parts) => {
        const printed = printProperties(new Map(Object.entries(parts)));
        assert.deepEqual(Object.fromEntries(parseProperties(printed)), {
          ...parts,
        });
      }),
    );
  });
});

describe("a network device", () => {
  it("without a MAC address gets one of Proxmox's own prefix", () => {
    const device = parseNetwork(
      "net0",
      "model=virtio,bridge=vmbr0,firewall=0,tag=10",
    );
    assert.match(device.mac, /^BC:24:11(:[0-9A-F]{2}){3}$/);
    assert.equal(
      printNetwork(device),
      `virtio=${device.mac},bridge=vmbr0,firewall=0,tag=10`,
    );
  });

  it("keeps the MAC address that it has, in both spellings", () => {
    for (const text of [
      "virtio=BC:24:11:00:00:01,bridge=vmbr1",
      "model=virtio,macaddr=BC:24:11:00:00:01,bridge=vmbr1",
    ]) {
      assert.equal(
        printNetwork(parseNetwork("net0", text)),
        "virtio=BC:24:11:00:00:01,bridge=vmbr1",
      );
    }
  });

  it("is refused with a MAC address of a group, or without a model", () => {
    for (const text of ["virtio=01:00:5E:00:00:01,bridge=vmbr0", "bridge=x"]) {
      assert.throws(
        () => parseNetwork("net0", text),
        /Parameter verification failed/,
      );
    }
  });
});

describe("a change under a running machine", () => {
  const live = (
    key: string,
    from: string | undefined,
    to: string | undefined,
    hotplug?: string,
  ) => isHotpluggable(key, from, to, hotplug);

  it("is taken at once for what QEMU does not see", () => {
    for (const key of ["name", "description", "tags", "onboot", "ipconfig0"]) {
      assert.equal(live(key, "a", "b"), true, key);
    }
  });

  it("waits for the next start for processors, memory and BIOS", () => {
    for (const key of ["cores", "sockets", "memory", "cpu", "bios"]) {
      assert.equal(live(key, "1", "2"), false, key);
    }
  });

  it("moves a network device to another bridge, also without hotplug", () => {
    const device = (bridge: string) => `virtio=BC:24:11:00:00:01,${bridge}`;
    const [from, to] = [device("bridge=vmbr0"), device("bridge=vmbr1")];
    assert.equal(live("net0", from, to, "0"), true);
    assert.equal(live("net0", from, `${to},mtu=9000`, "0"), false);
    assert.equal(live("net1", undefined, to, "0"), false);
    assert.equal(live("net1", undefined, to), true);
  });

  it("adds a SCSI disk, but no IDE disk and no EFI disk", () => {
    const disk = "local-lvm:vm-1-disk-1,size=1G";
    assert.equal(live("scsi1", undefined, disk), true);
    assert.equal(live("scsi1", undefined, disk, "network"), false);
    assert.equal(live("ide0", undefined, disk), false);
    assert.equal(live("efidisk0", undefined, disk), false);
  });

  it("does not change a disk's cache, but its backup flag", () => {
    const disk = "local-lvm:vm-1-disk-1,size=1G";
    assert.equal(live("scsi1", disk, `${disk},cache=writeback`), false);
    assert.equal(live("scsi1", disk, `${disk},backup=0`), true);
  });

  it("takes of the agent only whether it trims", () => {
    assert.equal(live("agent", "1", "enabled=1,fstrim_cloned_disks=1"), true);
    assert.equal(live("agent", "1", "0"), false);
    assert.equal(live("agent", undefined, "1"), false);
  });
});

describe("the schema of a machine's configuration", () => {
  it("has numbered keys up to Proxmox's own limits", () => {
    for (const key of ["net31", "scsi30", "virtio15", "sata5", "ide3"]) {
      assert.notEqual(configSchema(key), undefined, key);
    }
    for (const key of ["net32", "scsi31", "virtio16", "sata6", "ide4", "foo"]) {
      assert.equal(configSchema(key), undefined, key);
    }
  });

  it("shows integers and flags as numbers, and memory as text", () => {
    assert.equal(jsonValue("cores", "2"), 2);
    assert.equal(jsonValue("onboot", "1"), 1);
    assert.equal(jsonValue("memory", "2048"), "2048");
    assert.equal(jsonValue("agent", "1"), "1");
  });
});
