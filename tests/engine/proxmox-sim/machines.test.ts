import assert from "node:assert/strict";
import {
  type ProxmoxSimulator,
  startProxmox,
} from "@corral-iac/tools/lab/proxmox/index";
import { ProxmoxApi } from "../../support/proxmoxApi";

type Config = Record<string, string | number>;

describe("a machine of the simulated Proxmox VE", () => {
  let proxmox: ProxmoxSimulator;
  let api: ProxmoxApi;

  beforeEach(async () => {
    proxmox = await startProxmox({ taskMs: 0, pools: ["lab"] });
    api = new ProxmoxApi(proxmox);
  });

  afterEach(async () => {
    api.close();
    assert.deepEqual(proxmox.unknownCalls, []);
    await proxmox.stop();
  });

  const vm = (id: number, rest = "") => `/nodes/pve/qemu/${id}${rest}`;
  const clone = (id: number, more: Record<string, string | number> = {}) =>
    api.task("POST", vm(9000, "/clone"), {
      newid: id,
      full: 1,
      name: "web",
      ...more,
    });
  const config = (id: number) => api.data<Config>("GET", vm(id, "/config"));
  const put = (id: number, changes: Record<string, string | number>) =>
    api.data("PUT", vm(id, "/config"), changes);
  const refusal = async (
    method: string,
    path: string,
    parameters?: Record<string, string | number>,
  ) => {
    const { status, reason } = await api.call(method, path, parameters);
    return `${status} ${reason}`;
  };

  it("is there at once with a lock, and whole when its task is done", async () => {
    proxmox.faults.add({ on: "task", type: "qmclone", outcome: "hangs" });
    const upid = await api.data<string>("POST", vm(9000, "/clone"), {
      newid: 101,
    });
    const { lock } = await api.data<Config>("GET", vm(101, "/status/current"));
    assert.equal(lock, "clone");
    assert.equal(
      await refusal("PUT", vm(101, "/config"), { cores: 2 }),
      "500 VM is locked (clone)",
    );
    assert.match(upid, /^UPID:pve:.*:qmclone:9000:corral@pve!lab:$/);

    await clone(102, { description: "made by a test", pool: "lab" });
    const made = await config(102);
    assert.equal(made.lock, undefined);
    assert.equal(made.template, undefined);
    assert.equal(made.name, "web");
    assert.equal(made.description, "made by a test");
    assert.equal(made.scsi0, "local-lvm:vm-102-disk-0,size=2G");
    assert.match(String(made.net0), /^virtio=BC:24:11:.*,bridge=vmbr0$/);
    const template = await config(9000);
    assert.notEqual(made.net0, template.net0);
    assert.notEqual(made.smbios1, template.smbios1);
    assert.equal(proxmox.machine(102).pool, "lab");
  });

  it("refuses what a clone cannot be made of", async () => {
    await clone(101);
    const cases: [Record<string, string | number>, string][] = [
      [
        { newid: 101 },
        "500 unable to create VM 101: config file already exists",
      ],
      [
        { newid: 102, storage: "nowhere" },
        "500 storage 'nowhere' does not exist",
      ],
      [
        { newid: 102, storage: "local", full: 1 },
        "400 Parameter verification failed.",
      ],
      [
        { newid: 102, storage: "local-lvm", full: 0 },
        "500 parameter 'storage' not allowed for linked clones",
      ],
      [{ newid: 102, snapname: "gone" }, "500 snapshot 'gone' does not exist"],
      [
        { newid: 102, pool: "nowhere" },
        "403 Permission check failed (pool 'nowhere' does not exist)",
      ],
    ];
    for (const [parameters, expected] of cases) {
      assert.equal(
        await refusal("POST", vm(9000, "/clone"), parameters),
        expected,
      );
    }
    assert.equal(
      await refusal("POST", vm(101, "/clone"), { newid: 102, full: 0 }),
      "500 Linked clone feature is not supported for 'local-lvm:vm-101-disk-0' (scsi0)",
    );
    assert.equal(
      await refusal("POST", vm(4711, "/clone"), { newid: 102 }),
      "500 Configuration file 'nodes/pve/qemu-server/4711.conf' does not exist",
    );
  });

  it("that is a linked clone keeps the template from being removed", async () => {
    await clone(101, { full: 0 });
    assert.equal(
      proxmox.state.volumes["local-lvm:vm-101-disk-0"]?.parent,
      "local-lvm:base-9000-disk-0",
    );
    assert.equal(
      await api.task("DELETE", vm(9000)),
      "base volume 'local-lvm:base-9000-disk-0' is still in use by linked cloned 'local-lvm:vm-101-disk-0'",
    );
  });

  it("is gone without a trace when its clone task fails", async () => {
    proxmox.faults.add({
      on: "task",
      type: "qmclone",
      outcome: "fails",
      message: "no space left on device",
    });
    assert.equal(await clone(101), "clone failed: no space left on device");
    assert.deepEqual(proxmox.leftovers(), []);
    assert.equal(await clone(101), "OK");
  });

  it("reads back as Proxmox writes it, so that a second plan is empty", async () => {
    await clone(101);
    await put(101, { delete: "ide2" });
    await put(101, {
      agent: "enabled=1,fstrim_cloned_disks=0,type=virtio",
      cores: 2,
      onboot: 1,
      memory: 1024,
      ide2: "file=local-lvm:cloudinit,",
      net0: "model=virtio,bridge=vmbr0,firewall=0",
      ipconfig0: "gw=10.141.0.1,ip=10.141.0.10/24",
      cipassword: "geheim",
      sshkeys: encodeURIComponent("ssh-ed25519 AAAA x"),
      tags: "corral;Corral;a",
      delete: "net1,net2,net31",
    });
    const before = await config(101);
    assert.equal(before.cores, 2);
    assert.equal(before.memory, "1024");
    assert.equal(before.onboot, 1);
    assert.equal(before.ide2, "local-lvm:vm-101-cloudinit,media=cdrom");
    assert.match(
      String(before.net0),
      /^virtio=BC:24:11:.*,bridge=vmbr0,firewall=0$/,
    );
    assert.equal(before.cipassword, "**********");
    assert.equal(before.sshkeys, "ssh-ed25519%20AAAA%20x");
    assert.equal(before.tags, "a;corral");
    assert.match(proxmox.machine(101).config.cipassword ?? "", /^\$5\$/);

    await put(101, {
      scsi0: "file=local-lvm:vm-101-disk-0,size=1,discard=on,aio=io_uring",
    });
    assert.equal(
      (await config(101)).scsi0,
      "local-lvm:vm-101-disk-0,aio=io_uring,discard=on,size=2G",
    );
  });

  it("keeps what it cannot take while it runs for its next start", async () => {
    await clone(101);
    await api.task("POST", vm(101, "/status/start"));
    await put(101, { cores: 4, name: "other", net0: "virtio,bridge=vmbr0" });
    const shown = await config(101);
    assert.equal(shown.cores, 4, "config shows what is pending");
    const current = await api.data<Config>("GET", vm(101, "/config"), {
      current: 1,
    });
    assert.equal(current.cores, 1);
    assert.equal(current.name, "other");
    assert.equal(proxmox.machine(101).pending.cores, "4");
    await put(101, { revert: "cores" });
    assert.deepEqual(proxmox.machine(101).pending, {});

    await put(101, { cores: 3 });
    await api.task("POST", vm(101, "/status/stop"));
    await api.task("POST", vm(101, "/status/start"));
    assert.deepEqual(proxmox.machine(101).pending, {});
    assert.equal(proxmox.machine(101).config.cores, "3");
  });

  it("refuses a configuration that Proxmox refuses", async () => {
    await clone(101);
    const cases: [Record<string, string | number>, string][] = [
      [{ cores: 0 }, "400 Parameter verification failed."],
      [{ foo: 1 }, "400 Parameter verification failed."],
      [{ delete: "foo" }, "400 Parameter verification failed."],
      [{ args: "-foo" }, "500 only root can set 'args' config"],
      [{ affinity: "0" }, "500 only root can set 'affinity' config"],
      [
        { memory: 512, balloon: 1024 },
        "500 balloon value too large (must be smaller than assigned memory)",
      ],
      [
        { boot: "order=scsi7" },
        "500 invalid bootorder: device 'scsi7' does not exist'",
      ],
      [{ scsi1: "nowhere:8" }, "500 storage 'nowhere' does not exist"],
      [
        { scsi1: "local:8" },
        "500 storage 'local' does not support content-type 'images'",
      ],
      [
        { ide0: "local:iso/gone.iso,media=cdrom" },
        "500 volume 'local:iso/gone.iso' does not exist",
      ],
      [
        { ide3: "local-lvm:cloudinit" },
        "500 ide3 - cloud-init drive is already attached at 'ide2'",
      ],
      [
        { digest: "0", name: "x" },
        "500 checksum mismatch (file change by other user?)",
      ],
      [{}, "500 no options specified"],
    ];
    for (const [changes, expected] of cases) {
      assert.equal(
        await refusal("PUT", vm(101, "/config"), changes),
        expected,
        JSON.stringify(changes),
      );
    }
  });

  it("keeps a disk that is taken off as unused, and frees it on demand", async () => {
    await clone(101);
    await put(101, { scsi1: "local-lvm:8,ssd=1" });
    assert.equal(
      (await config(101)).scsi1,
      "local-lvm:vm-101-disk-1,size=8G,ssd=1",
    );
    await put(101, { delete: "scsi1" });
    assert.equal((await config(101)).unused0, "local-lvm:vm-101-disk-1");
    await put(101, { delete: "unused0" });
    assert.equal(proxmox.state.volumes["local-lvm:vm-101-disk-1"], undefined);
  });

  it("grows its disks, and never shrinks them", async () => {
    await clone(101);
    const resize = (size: string, disk = "scsi0") =>
      api.task("PUT", vm(101, "/resize"), { disk, size });
    assert.equal(await resize("8589934592"), "OK");
    assert.equal(await resize("+1G"), "OK");
    assert.equal((await config(101)).scsi0, "local-lvm:vm-101-disk-0,size=9G");
    assert.equal(await resize("2G"), "shrinking disks is not supported");
    assert.equal(await resize("2G", "scsi5"), "disk 'scsi5' does not exist");
  });

  it("gives a disk to another machine, and moves it to another storage", async () => {
    proxmox.state.storages.slow = { type: "lvmthin", content: ["images"] };
    await clone(101);
    await clone(102);
    await put(101, { scsi1: "local-lvm:8" });
    const move = (parameters: Record<string, string | number>) =>
      api.task("POST", vm(101, "/move_disk"), { disk: "scsi1", ...parameters });
    assert.equal(await move({ storage: "slow", delete: 1 }), "OK");
    assert.equal((await config(101)).scsi1, "slow:vm-101-disk-0,size=8G");
    assert.equal(
      await refusal("POST", vm(101, "/move_disk"), {
        disk: "scsi1",
        storage: "slow",
      }),
      "500 you can't move to the same storage with same format",
    );
    assert.equal(await move({ "target-vmid": 102 }), "OK");
    assert.equal((await config(102)).scsi1, "slow:vm-102-disk-0,size=8G");
    assert.equal((await config(101)).scsi1, undefined);
  });

  it("says inside its task that it is locked, running or a template", async () => {
    await clone(101);
    await api.task("POST", vm(101, "/status/start"));
    assert.equal(
      await api.task("POST", vm(101, "/status/start")),
      "VM 101 already running",
    );
    proxmox.setLock(101, "backup");
    for (const action of ["shutdown", "stop"]) {
      assert.equal(
        await api.task("POST", vm(101, `/status/${action}`)),
        "VM is locked (backup)",
      );
    }
    proxmox.setLock(101, undefined);
    assert.equal(
      await api.task("POST", vm(9000, "/status/start")),
      "you can't start a vm if it's a template",
    );
  });

  it("is not removed while it runs, is protected or locked", async () => {
    await clone(101);
    await api.task("POST", vm(101, "/status/start"));
    assert.equal(
      await refusal("DELETE", vm(101)),
      "500 VM 101 is running - destroy failed",
    );
    await api.task("POST", vm(101, "/status/stop"));
    await put(101, { protection: 1 });
    assert.equal(
      await refusal("DELETE", vm(101)),
      "500 can't remove VM 101 - protection mode enabled",
    );
    await put(101, { protection: 0 });
    proxmox.setLock(101, "backup");
    assert.equal(
      await api.task("DELETE", vm(101, "/?purge=1")),
      "VM is locked (backup)",
    );
    proxmox.setLock(101, undefined);
    assert.equal(
      await api.task("DELETE", vm(101, "/?destroy-unreferenced-disks=1")),
      "OK",
    );
    assert.deepEqual(proxmox.leftovers(), []);
  });

  it("shuts down in its time, else fails, or is ended when that is asked for", async () => {
    await clone(101);
    const shutdown = (parameters: Record<string, string | number>) =>
      api.task("POST", vm(101, "/status/shutdown"), parameters);
    await api.task("POST", vm(101, "/status/start"));
    proxmox.simulated.shutdownMs = -1;
    assert.equal(
      await shutdown({ timeout: 0 }),
      "VM quit/powerdown failed - got timeout",
    );
    assert.equal(proxmox.machine(101).running, true);
    assert.equal(await shutdown({ timeout: 0, forceStop: 1 }), "OK");
    assert.equal(proxmox.machine(101).running, false);
  });

  it("does not start without its snippet or bridge", async () => {
    await clone(101);
    await put(101, { cicustom: "user=local:snippets/gone.yaml" });
    assert.equal(
      await api.task("POST", vm(101, "/status/start")),
      "volume 'local:snippets/gone.yaml' does not exist",
    );
    await put(101, { delete: "cicustom", net0: "virtio,bridge=vmbr9" });
    assert.equal(
      await api.task("POST", vm(101, "/status/start")),
      "bridge 'vmbr9' does not exist",
    );
  });

  it("is made of an image that its disk imports", async () => {
    await api.data("POST", "/pools", { poolid: "other" });
    assert.equal(
      await api.task("POST", "/nodes/pve/qemu", {
        vmid: 103,
        name: "image",
        scsi0: "local-lvm:0,import-from=local:import/gone.qcow2",
      }),
      "unable to create VM 103 - volume 'local:import/gone.qcow2' does not exist",
    );
    assert.deepEqual(proxmox.leftovers(), []);
    assert.equal(
      await api.task("POST", "/nodes/pve/qemu", {
        vmid: 103,
        name: "image",
        pool: "other",
        scsi0: "local-lvm:4,ssd=1",
        net0: "virtio,bridge=vmbr0",
        efidisk0: "local-lvm:1,efitype=4m",
        start: 1,
      }),
      "OK",
    );
    const made = await config(103);
    assert.equal(made.boot, "order=scsi0;net0");
    assert.equal(made.efidisk0, "local-lvm:vm-103-disk-1,efitype=4m,size=4M");
    assert.equal(proxmox.machine(103).running, true);
    assert.equal(
      await refusal("POST", "/nodes/pve/qemu", { vmid: 103 }),
      "500 unable to create VM 103 - VM 103 already exists on node 'pve'",
    );
  });
});
