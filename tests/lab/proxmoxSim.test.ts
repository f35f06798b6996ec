import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { generateEd25519 } from "@corral-iac/corral-ops/ssh/keyPair";
import { type Census, census, diffCensus } from "@corral-iac/tools/lab/census";
import {
  type ProxmoxSimulator,
  startProxmox,
} from "@corral-iac/tools/lab/proxmox/index";
import { Guest } from "../support/guest";
import { virsh } from "../support/hypervisor";
import { ProxmoxApi } from "../support/proxmoxApi";

const machine = "/nodes/pve/qemu/101";
const bootSeconds = 300;

// One guest serves all tests of this file; each stands on the one before.
describe("a real guest of the simulated Proxmox VE", function () {
  this.bail(true);
  let proxmox: ProxmoxSimulator;
  let api: ProxmoxApi;
  let folder: string;
  let guest: Guest | undefined;
  let counted: Census;
  const login = generateEd25519();

  before(async () => {
    counted = await census();
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-guest-"));
    proxmox = await startProxmox({ guests: "libvirt" });
    api = new ProxmoxApi(proxmox);
  });

  after(async () => {
    await guest?.disconnect();
    api?.close();
    await proxmox?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  const exec = async (script: string): Promise<string> => {
    const { pid } = await api.data<{ pid: number }>(
      "POST",
      `${machine}/agent/exec`,
      { command: ["sh", "-c", script] },
    );
    const status = `${machine}/agent/exec-status`;
    for (;;) {
      const result = await api.data<Record<string, unknown>>("GET", status, {
        pid,
      });
      if (result.exited === 1) {
        assert.equal(result.exitcode, 0, JSON.stringify(result));
        return String(result["out-data"] ?? "").trim();
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };

  it("is a domain on the lab's image with the machine's MAC address", async () => {
    const [bridge] = proxmox.bridges;
    const address = (bridge?.cidr ?? "").replace(/0\/24$/, "10");
    // Of the host keys only the quickest is made: an RSA key takes long without KVM.
    fs.writeFileSync(
      path.join(proxmox.folder, "local/snippets/vendor.yaml"),
      "#cloud-config\nssh_genkeytypes: [ed25519]\n",
    );
    await api.task("POST", "/nodes/pve/qemu/9000/clone", {
      newid: 101,
      name: "web",
      full: 1,
    });
    await api.data("PUT", `${machine}/config`, {
      ciuser: "ops",
      sshkeys: encodeURIComponent(login.publicKey),
      ipconfig0: `ip=${address}/24,gw=${bridge?.gateway}`,
      cicustom: "vendor=local:snippets/vendor.yaml",
    });
    assert.equal(
      await api.task("PUT", `${machine}/resize`, { disk: "scsi0", size: "3G" }),
      "OK",
    );
    assert.equal(await api.task("POST", `${machine}/status/start`), "OK");
    const xml = await virsh("dumpxml", proxmox.domainOf(101));
    const { net0 } = proxmox.machine(101).config;
    const mac = /virtio=([^,]+)/.exec(net0 ?? "")?.[1]?.toLowerCase();
    assert.ok(xml.includes(`<mac address='${mac}'/>`), xml);
    assert.ok(xml.includes(`<source network='${bridge?.network}'`), xml);
  });

  it("answers by its own agent, which names the address it was given", async function () {
    const deadline = Date.now() + bootSeconds * 1000;
    for (;;) {
      const { status, reason } = await api.call(
        "POST",
        `${machine}/agent/ping`,
      );
      if (status === 200) {
        break;
      }
      assert.equal(reason, "QEMU guest agent is not running");
      assert.ok(
        Date.now() < deadline,
        `no agent after ${bootSeconds} s:\n${proxmox.console(101).slice(-2000)}`,
      );
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    const { result } = await api.data<{
      result: {
        name: string;
        "ip-addresses": { "ip-address": string }[];
      }[];
    }>("GET", `${machine}/agent/network-get-interfaces`);
    const card = result.find(({ name }) => name === "eth0");
    const address = proxmox.bridges[0]?.cidr.replace(/0\/24$/, "10");
    assert.ok(
      card?.["ip-addresses"].some((one) => one["ip-address"] === address),
      JSON.stringify(result),
    );
  });

  it("has set itself up by the cloud-init drive as Proxmox writes it", async () => {
    assert.match(await exec("cloud-init status --wait --long"), /status: done/);
    assert.equal(await exec("hostname"), "web");
    assert.equal(
      await exec("cat /var/lib/cloud/data/instance-id"),
      proxmox.machine(101).instanceId,
    );
    assert.equal(
      Number(await exec("lsblk -bndo SIZE /dev/sda")),
      3 * 1024 ** 3,
    );
  });

  it("lets the user in whom cloud-init made", async () => {
    const hostKey = await exec("cat /etc/ssh/ssh_host_ed25519_key.pub");
    guest = new Guest(
      {
        host: proxmox.bridges[0]?.cidr.replace(/0\/24$/, "10") ?? "",
        port: 22,
        user: "ops",
        privateKey: login.privateKey,
        hostKey: hostKey.split(" ").slice(0, 2).join(" "),
      },
      folder,
    );
    assert.equal(await guest.run("id -un; sudo -n id -un"), "ops\nroot");
  });

  it("takes files by its agent, byte by byte", async () => {
    await api.data("POST", `${machine}/agent/file-write`, {
      file: "/root/note",
      content: 'it\'s \\ a "note"\n',
    });
    assert.equal(await exec("cat /root/note"), 'it\'s \\ a "note"');
  });

  it("sees a disk that is plugged in while it runs, and sees it go", async () => {
    const disks = () => exec("lsblk -bndo NAME,SIZE -e 11 | sort | xargs");
    const change = (parameters: Record<string, string>) =>
      api.data("PUT", `${machine}/config`, parameters);
    await change({ scsi1: "local-lvm:1" });
    assert.equal(await disks(), "sda 3221225472 sdb 1073741824");
    assert.equal(
      await api.task("PUT", `${machine}/resize`, { disk: "scsi1", size: "2G" }),
      "OK",
    );
    await exec("echo 1 > /sys/class/block/sdb/device/rescan");
    assert.equal(await disks(), "sda 3221225472 sdb 2147483648");
    await change({ delete: "scsi1" });
    assert.equal(await disks(), "sda 3221225472");
    await change({ delete: "unused0" });
    assert.deepEqual(Object.keys(proxmox.machine(101).pending), []);
  });

  it("goes back to a snapshot that was taken while it ran", async () => {
    assert.equal(
      await api.task("POST", `${machine}/snapshot`, { snapname: "noted" }),
      "OK",
    );
    await exec("rm /root/note && sync");
    assert.equal(
      await api.task("POST", `${machine}/status/shutdown`, { timeout: 120 }),
      "OK",
    );
    const log = proxmox.tasks.at(-1)?.log ?? [];
    assert.deepEqual(log, ["TASK OK"], "it was shut down by its agent");
    assert.equal(
      await api.task("POST", `${machine}/snapshot/noted/rollback`),
      "OK",
    );
    const disk = proxmox.state.volumes["local-lvm:vm-101-disk-0"]?.data ?? "";
    assert.match(
      execFileSync("qemu-img", ["snapshot", "-l", disk]).toString(),
      /noted/,
    );
    assert.equal(await api.task("DELETE", `${machine}/snapshot/noted`), "OK");
  });

  it("is gone with all that it was when it is destroyed", async () => {
    await guest?.disconnect();
    assert.equal(await api.task("DELETE", `${machine}?purge=1`), "OK");
    fs.rmSync(path.join(proxmox.folder, "local/snippets/vendor.yaml"));
    assert.deepEqual(proxmox.leftovers(), []);
    assert.deepEqual(await proxmox.hypervisorLeftovers(), []);
    await proxmox.stop();
    const own = diffCensus(counted, await census()).filter((line) =>
      line.includes(`pve-${proxmox.state.id}`),
    );
    assert.deepEqual(own, []);
    assert.deepEqual(proxmox.unknownCalls, []);
  });
});
