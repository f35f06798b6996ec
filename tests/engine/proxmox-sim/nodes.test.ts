import assert from "node:assert/strict";
import {
  type ProxmoxSimulator,
  startProxmox,
} from "@corral-iac/tools/lab/proxmox/index";
import { ProxmoxApi } from "../../support/proxmoxApi";

describe("two nodes of the simulated Proxmox VE", () => {
  let proxmox: ProxmoxSimulator;
  let api: ProxmoxApi;

  before(async () => {
    proxmox = await startProxmox({ taskMs: 0, nodes: ["pve", "pve2"] });
    api = new ProxmoxApi(proxmox);
  });

  after(async () => {
    api.close();
    await proxmox.stop();
  });

  const reason = async (parameters: Record<string, string | number>) =>
    (await api.call("POST", "/nodes/pve/qemu/9000/clone", parameters)).reason;

  it("clone to each other only by shared storage", async () => {
    assert.equal(
      await reason({ newid: 101, target: "pve2" }),
      "can't clone VM to node 'pve2' (VM uses local storage)",
    );
    assert.equal(
      await reason({ newid: 101, target: "pve2", storage: "local-lvm" }),
      "can't clone to non-shared storage 'local-lvm'",
    );
    assert.equal(
      await reason({ newid: 101, target: "pve3" }),
      "no such cluster node 'pve3'",
    );
  });

  it("have a machine on one of them, and move it to the other", async () => {
    await api.task("POST", "/nodes/pve/qemu/9000/clone", { newid: 101 });
    const config = (node: string) =>
      api.call("GET", `/nodes/${node}/qemu/101/config`);
    assert.equal(
      (await config("pve2")).reason,
      "Configuration file 'nodes/pve2/qemu-server/101.conf' does not exist",
    );
    const migrate = (parameters: Record<string, string | number>) =>
      api.task("POST", "/nodes/pve/qemu/101/migrate", parameters);
    await api.task("POST", "/nodes/pve/qemu/101/status/start");
    const offline = await api.call("POST", "/nodes/pve/qemu/101/migrate", {
      target: "pve2",
    });
    assert.equal(offline.reason, "can't migrate running VM without --online");
    assert.equal(
      await migrate({ target: "pve2", online: 1 }),
      "can't migrate VM - check log",
    );
    assert.equal(
      await migrate({ target: "pve2", online: 1, "with-local-disks": 1 }),
      "OK",
    );
    assert.equal((await config("pve2")).status, 200);
    assert.equal((await config("pve")).status, 500);
  });
});
