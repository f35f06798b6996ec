import assert from "node:assert/strict";
import {
  type ProxmoxSimulator,
  startProxmox,
} from "@corral-iac/tools/lab/proxmox/index";
import { ProxmoxApi } from "../../support/proxmoxApi";

const machine = "/nodes/pve/qemu/101";

describe("faults of the simulated Proxmox VE", () => {
  let proxmox: ProxmoxSimulator;
  let api: ProxmoxApi;

  beforeEach(async () => {
    proxmox = await startProxmox({ taskMs: 0 });
    api = new ProxmoxApi(proxmox);
  });

  afterEach(async () => {
    api.close();
    await proxmox.stop();
  });

  const clone = () =>
    api.task("POST", "/nodes/pve/qemu/9000/clone", { newid: 101 });

  it("answer in place of the call, as often as they are told", async () => {
    proxmox.faults.add({
      on: "request",
      path: "/version",
      times: 2,
      answer: { status: 596, reason: "Connection timed out" },
    });
    const statuses = [];
    for (let count = 0; count < 3; count += 1) {
      const { status, reason } = await api.call("GET", "/version");
      statuses.push(`${status} ${reason}`);
    }
    assert.deepEqual(statuses, [
      "596 Connection timed out",
      "596 Connection timed out",
      "200 OK",
    ]);
    assert.deepEqual(proxmox.faults.pending, []);
  });

  it("cut the connection before or after the call did its work", async () => {
    for (const effect of ["before", "after"] as const) {
      proxmox.faults.add({
        on: "request",
        method: "POST",
        path: /\/clone$/,
        effect,
        answer: "reset",
      });
      await assert.rejects(clone(), /socket hang up|ECONNRESET/);
      await proxmox.settle();
      assert.equal(proxmox.machines.length, effect === "after" ? 1 : 0);
    }
    assert.deepEqual(
      proxmox.requests.map(({ status, reason }) => `${status} ${reason}`),
      ["0 connection cut", "0 connection cut"],
    );
  });

  it("name a parameter, as Proxmox does", async () => {
    await clone();
    proxmox.faults.add({
      on: "request",
      method: "PUT",
      path: "/config",
      answer: {
        status: 400,
        reason: "Parameter verification failed.",
        errors: { scsi0: "unable to hotplug" },
      },
    });
    const { status, errors } = await api.call("PUT", `${machine}/config`, {
      cores: 2,
    });
    assert.equal(status, 400);
    assert.deepEqual(errors, { scsi0: "unable to hotplug" });
  });

  it("make tasks fail, fail after their work, or warn", async () => {
    await clone();
    const start = `${machine}/status/start`;
    const fault = { on: "task", type: "qmstart" } as const;
    proxmox.faults.add({ ...fault, outcome: "fails", message: "no KVM" });
    assert.equal(await api.task("POST", start), "no KVM");
    assert.equal(proxmox.machine(101).running, false);
    proxmox.faults.add({
      ...fault,
      outcome: "fails",
      effect: "after",
      message: "got timeout",
    });
    assert.equal(await api.task("POST", start), "got timeout");
    assert.equal(proxmox.machine(101).running, true);
    proxmox.faults.add({ on: "task", type: "qmstop", outcome: "warns" });
    const upid = await api.data<string>("POST", `${machine}/status/stop`);
    assert.equal(await api.exitStatus(upid), "WARNINGS: 1");
    const lines = await api.data<{ n: number; t: string }[]>(
      "GET",
      `/nodes/pve/tasks/${encodeURIComponent(upid)}/log`,
    );
    assert.deepEqual(lines, [
      { n: 1, t: "WARN: simulated warning" },
      { n: 2, t: "TASK WARNINGS: 1" },
    ]);
  });

  it("let a task hang until somebody stops it", async () => {
    proxmox.faults.add({ on: "task", type: "qmclone", outcome: "hangs" });
    const upid = await api.data<string>("POST", "/nodes/pve/qemu/9000/clone", {
      newid: 101,
    });
    const task = `/nodes/pve/tasks/${encodeURIComponent(upid)}`;
    const { status } = await api.data<{ status: string }>(
      "GET",
      `${task}/status`,
    );
    assert.equal(status, "running");
    await api.data("DELETE", task);
    assert.equal(
      await api.exitStatus(upid),
      "clone failed: interrupted by signal",
    );
    assert.deepEqual(proxmox.leftovers(), []);
  });

  it("refuse a task's id that is none, so that a client may ask again", async () => {
    const { status } = await api.call(
      "GET",
      "/nodes/pve/tasks/UPID%3Anonsense/status",
    );
    assert.equal(status, 400);
  });

  it("restart the API, and nothing is lost", async () => {
    await clone();
    proxmox.faults.add({ on: "task", type: "qmstart", outcome: "hangs" });
    const upid = await api.data<string>("POST", `${machine}/status/start`);
    const { endpoint } = proxmox;
    const count = proxmox.requests.length;
    const restarting = proxmox.restart({ downMs: 50 });
    await assert.rejects(api.data("GET", "/version"));
    await restarting;
    assert.equal(proxmox.endpoint, endpoint);
    assert.equal(proxmox.machine(101).config.name, "Copy-of-VM-debian12");
    assert.ok(proxmox.requests.length >= count);
    const { status } = await api.data<{ status: string }>(
      "GET",
      `/nodes/pve/tasks/${encodeURIComponent(upid)}/status`,
    );
    assert.equal(status, "running", "tasks outlive the API's daemon");
  });

  it("crash the node: its tasks are lost, and their locks stay", async () => {
    proxmox.faults.add({ on: "task", type: "qmclone", outcome: "hangs" });
    const upid = await api.data<string>("POST", "/nodes/pve/qemu/9000/clone", {
      newid: 101,
    });
    await proxmox.restart({ crash: true });
    api.close(); // Its connections are cut.
    api = new ProxmoxApi(proxmox);
    assert.equal(await api.exitStatus(upid), "unexpected status");
    assert.equal(proxmox.machine(101).lock, "clone");
  });

  it("have people work beside all programs", async () => {
    await clone();
    await api.task("POST", `${machine}/status/start`);
    await proxmox.powerOff(101);
    const status = () =>
      api.data<{ status: string }>("GET", `${machine}/status/current`);
    assert.equal((await status()).status, "stopped");
    proxmox.editConfig(101, { cores: "7", description: undefined });
    const config = await api.data<{ cores: number }>(
      "GET",
      `${machine}/config`,
    );
    assert.equal(config.cores, 7);
    await proxmox.remove(101);
    assert.deepEqual(proxmox.leftovers(), []);
  });

  it("leave books that another process takes up by their folder", async () => {
    await clone();
    const token = proxmox.apiToken;
    await proxmox.stop({ keep: true });
    const again = await startProxmox({ folder: proxmox.folder });
    try {
      assert.equal(again.apiToken, token);
      assert.equal(again.caCertificate, proxmox.caCertificate);
      assert.equal(again.ssh.hostKey, proxmox.ssh.hostKey);
      assert.equal(again.machine(101).config.name, "Copy-of-VM-debian12");
      assert.ok(again.requests.length > 0);
    } finally {
      await again.stop();
    }
  });
});
