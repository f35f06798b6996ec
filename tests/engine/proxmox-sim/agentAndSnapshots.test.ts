import assert from "node:assert/strict";
import {
  type ProxmoxSimulator,
  startProxmox,
} from "@corral-iac/tools/lab/proxmox/index";
import { ProxmoxApi } from "../../support/proxmoxApi";

const machine = "/nodes/pve/qemu/101";

describe("in a machine of the simulated Proxmox VE", () => {
  let proxmox: ProxmoxSimulator;
  let api: ProxmoxApi;

  beforeEach(async () => {
    proxmox = await startProxmox({ taskMs: 0 });
    api = new ProxmoxApi(proxmox);
    await api.task("POST", "/nodes/pve/qemu/9000/clone", { newid: 101 });
  });

  afterEach(async () => {
    api.close();
    await proxmox.stop();
  });

  const start = () => api.task("POST", `${machine}/status/start`);
  const ping = async () => {
    const { status, reason } = await api.call("POST", `${machine}/agent/ping`);
    return `${status} ${reason}`;
  };

  it("the agent is missing in Proxmox's words and order", async () => {
    proxmox.editConfig(101, { agent: undefined });
    assert.equal(await ping(), "500 No QEMU guest agent configured");
    proxmox.editConfig(101, { agent: "1" });
    assert.equal(await ping(), "500 VM 101 is not running");
    proxmox.simulated.agentReadyMs = -1;
    await start();
    assert.equal(await ping(), "500 QEMU guest agent is not running");
    proxmox.simulated.agentReadyMs = 0;
    assert.equal(await ping(), "200 OK");
  });

  it("the agent names each device by its MAC address", async () => {
    await api.data("PUT", `${machine}/config`, {
      net0: "virtio=BC:24:11:00:00:01,bridge=vmbr0",
      ipconfig0: "ip=10.141.0.10/24,gw=10.141.0.1",
    });
    await start();
    const { result } = await api.data<{
      result: {
        name: string;
        "hardware-address": string;
        "ip-addresses": { "ip-address": string }[];
      }[];
    }>("GET", `${machine}/agent/network-get-interfaces`);
    assert.deepEqual(
      result.map((one) => [one.name, one["hardware-address"]]),
      [
        ["lo", "00:00:00:00:00:00"],
        ["eth0", "bc:24:11:00:00:01"],
      ],
    );
    assert.equal(result[1]?.["ip-addresses"][0]?.["ip-address"], "10.141.0.10");
  });

  it("the agent runs a command, and its result is read once", async () => {
    await start();
    const commands: [number, readonly string[], string | undefined][] = [];
    proxmox.simulated.exec = (vmId, command, input) => {
      commands.push([vmId, command, input]);
      return { exitCode: 3, stdout: "out\n", stderr: "err\n" };
    };
    const { pid } = await api.data<{ pid: number }>(
      "POST",
      `${machine}/agent/exec`,
      { command: ["sh", "-c", "exit 3"], "input-data": "it's" },
    );
    assert.deepEqual(commands, [[101, ["sh", "-c", "exit 3"], "it's"]]);
    const status = `${machine}/agent/exec-status`;
    assert.deepEqual(await api.data("GET", status, { pid }), {
      exited: 1,
      exitcode: 3,
      "out-data": "out\n",
      "err-data": "err\n",
    });
    const again = await api.call("GET", status, { pid });
    assert.equal(again.reason, "Agent error: PID does not exist");
    assert.doesNotMatch(JSON.stringify(proxmox.requests), /it's/);
  });

  it("the agent writes and reads a file, and refuses more than 60 KiB", async () => {
    await start();
    const write = (content: string) =>
      api.call("POST", `${machine}/agent/file-write`, {
        file: "/etc/motto",
        content,
      });
    assert.equal((await write("fences: good\n")).status, 200);
    assert.deepEqual(
      await api.data("GET", `${machine}/agent/file-read`, {
        file: "/etc/motto",
      }),
      { content: "fences: good\n", "bytes-read": 13 },
    );
    const { errors } = await write("x".repeat(60 * 1024 + 1));
    assert.deepEqual(errors, {
      content: "value may only be 61440 characters long",
    });
  });

  it("snapshots are taken, listed, gone back to and deleted", async () => {
    const task = (method: string, path: string, parameters = {}) =>
      api.task(method, `${machine}${path}`, parameters);
    assert.equal(
      await task("POST", "/snapshot", {
        snapname: "final-form",
        description: "all done",
      }),
      "OK",
    );
    await api.data("PUT", `${machine}/config`, { cores: 4 });
    assert.equal(await task("POST", "/snapshot", { snapname: "two" }), "OK");
    const list = await api.data<Record<string, unknown>[]>(
      "GET",
      `${machine}/snapshot`,
    );
    assert.deepEqual(
      list.map(({ name, parent, description }) => [name, parent, description]),
      [
        ["final-form", undefined, "all done"],
        ["two", "final-form", ""],
        ["current", "two", "You are here!"],
      ],
    );
    assert.equal(await task("POST", "/snapshot/final-form/rollback"), "OK");
    assert.equal(proxmox.machine(101).config.cores, "1");
    assert.equal(await task("DELETE", "/snapshot/final-form"), "OK");
    assert.deepEqual(Object.keys(proxmox.machine(101).snapshots), ["two"]);
    assert.equal(
      await task("DELETE", "/snapshot/final-form"),
      "snapshot 'final-form' does not exist",
    );
    assert.equal(
      await task("POST", "/snapshot", { snapname: "two" }),
      "snapshot name 'two' already used",
    );
  });

  it("snapshots of reserved or impossible names are refused at once", async () => {
    const reason = async (snapname: string) => {
      const answer = await api.call("POST", `${machine}/snapshot`, {
        snapname,
      });
      return answer.errors?.snapname ?? answer.reason;
    };
    assert.deepEqual(
      await Promise.all(["current", "Pending", "final form"].map(reason)),
      [
        "unable to use snapshot name 'current' (reserved name)",
        "unable to use snapshot name 'pending' (reserved name)",
        "invalid format - invalid configuration ID\n",
      ],
    );
  });

  it("a snapshot locks, and a lock keeps snapshots off", async () => {
    proxmox.faults.add({ on: "task", type: "qmsnapshot", outcome: "hangs" });
    await api.data("POST", `${machine}/snapshot`, { snapname: "one" });
    assert.equal(proxmox.machine(101).lock, "snapshot");
    assert.equal(
      await api.task("POST", `${machine}/snapshot`, { snapname: "two" }),
      "VM is locked (snapshot)",
    );
  });

  it("each start writes the cloud-init drive anew", async () => {
    const id = () => proxmox.machine(101).instanceId;
    await start();
    const first = id();
    await api.task("POST", `${machine}/status/stop`);
    await start();
    assert.equal(id(), first, "the same content is the same instance");
    await api.data("PUT", `${machine}/config`, { ciuser: "ops" });
    assert.equal(id(), first, "a running machine keeps its drive");
    await api.data("PUT", `${machine}/cloudinit`);
    assert.notEqual(id(), first);
    const user = await api.data("GET", `${machine}/cloudinit/dump`, {
      type: "user",
    });
    assert.match(String(user), /^user: ops$/m);
  });
});
