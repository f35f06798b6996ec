import assert from "node:assert/strict";
import {
  type ProxmoxSimulator,
  startProxmox,
} from "@corral-iac/tools/lab/proxmox/index";
import { ProxmoxApi } from "../../support/proxmoxApi";

// Answers are held to what real Proxmox VE says, as recorded in the facts about it.
describe("the simulated Proxmox VE answers", () => {
  let proxmox: ProxmoxSimulator;
  let api: ProxmoxApi;

  before(async () => {
    proxmox = await startProxmox({
      taskMs: 0,
      nodes: ["pve", "pve2"],
      tokens: [
        { id: "corral@pve!lab" },
        {
          id: "reader@pve!t",
          privileges: { "/": ["VM.Audit"], "/vms/9000": ["VM.Audit"] },
        },
        {
          id: "cloner@pve!t",
          privileges: {
            "/": ["VM.Audit", "VM.Clone", "VM.Allocate"],
            "/storage": ["Datastore.AllocateSpace"],
          },
        },
      ],
    });
    api = new ProxmoxApi(proxmox);
  });

  after(async () => {
    api.close();
    await proxmox.stop();
  });

  const as = (user: string) =>
    new ProxmoxApi(
      proxmox,
      proxmox.tokens.find((token) => token.startsWith(user)),
    );

  it("with data, and on a path of its own", async () => {
    const { version, release } = await api.data<Record<string, string>>(
      "GET",
      "/version",
    );
    assert.match(version ?? "", /^9\.\d+\.\d+$/);
    assert.equal(release, version?.split(".").slice(0, 2).join("."));
  });

  it("401 without a token, and with a wrong one", async () => {
    const reasons = await Promise.all(
      ["", "corral@pve!lab=wrong", "corral@pve!gone=x"].map(async (token) => {
        const stranger = new ProxmoxApi(proxmox, token);
        const { status, reason } = await stranger.call("GET", "/version");
        stranger.close();
        return `${status} ${reason}`;
      }),
    );
    assert.deepEqual(reasons, [
      "401 No ticket",
      "401 invalid token value!",
      "401 no such token 'gone' for user 'corral@pve'",
    ]);
  });

  it("403 with the privilege and the path", async () => {
    const answer = await as("reader").call(
      "POST",
      "/nodes/pve/qemu/9000/clone",
      { newid: 101 },
    );
    assert.deepEqual(answer, {
      status: 403,
      reason: "Permission check failed (/vms/9000, VM.Clone)",
      data: null,
      message: "Permission check failed (/vms/9000, VM.Clone)\n",
    });
  });

  it("403 for the bridge of the template, once all else is allowed", async () => {
    const { status, reason } = await as("cloner").call(
      "POST",
      "/nodes/pve/qemu/9000/clone",
      { newid: 101 },
    );
    assert.equal(status, 403);
    assert.equal(
      reason,
      "Permission check failed (/sdn/zones/localnetwork/vmbr0, SDN.Use)",
    );
  });

  it("400 with one line for each parameter", async () => {
    const { status, reason, errors } = await api.call(
      "POST",
      "/nodes/pve/qemu/9000/clone",
      { newid: 99, colour: "red" },
    );
    assert.equal(status, 400);
    assert.equal(reason, "Parameter verification failed.");
    assert.deepEqual(Object.keys(errors ?? {}).sort(), ["colour", "newid"]);
  });

  it("500 in Proxmox's words for a machine that is not there", async () => {
    const { status, reason, message } = await api.call(
      "GET",
      "/nodes/pve/qemu/4711/config",
    );
    assert.equal(status, 500);
    assert.equal(
      reason,
      "Configuration file 'nodes/pve/qemu-server/4711.conf' does not exist",
    );
    assert.equal(message, `${reason}\n`);
  });

  it("501 on a path that it does not know, and remembers it", async () => {
    const { status } = await api.call("GET", "/nodes/pve/lxc");
    assert.equal(status, 501);
    assert.deepEqual(proxmox.unknownCalls, ["GET /nodes/pve/lxc"]);
  });

  it("595 for a node that is down, and its machines are of unknown state", async () => {
    proxmox.setOnline("pve", false);
    try {
      const { status, reason } = await api.call("GET", "/nodes/pve/qemu");
      assert.equal(`${status} ${reason}`, "595 No route to host");
      const [vm] = await api.data<{ status: string }[]>(
        "GET",
        "/cluster/resources",
        { type: "vm" },
      );
      assert.equal(vm?.status, "unknown");
      assert.deepEqual(await api.data("GET", "/nodes/pve2/qemu"), []);
    } finally {
      proxmox.setOnline("pve", true);
    }
  });

  it("500 for a node that nobody knows", async () => {
    const { status, reason } = await api.call("GET", "/nodes/nowhere/qemu");
    assert.equal(status, 500);
    assert.match(reason, /^hostname lookup 'nowhere' failed/);
  });

  it("the next free id, and refuses one that is taken", async () => {
    assert.equal(await api.data("GET", "/cluster/nextid"), "100");
    assert.equal(
      await api.data("GET", "/cluster/nextid", { vmid: 8101 }),
      "8101",
    );
    const { status, errors } = await api.call("GET", "/cluster/nextid", {
      vmid: 9000,
    });
    assert.equal(status, 400);
    assert.deepEqual(errors, { vmid: "VM 9000 already exists" });
  });

  it("lists to each token what it may see", async () => {
    const ids = async (user: string) =>
      (
        await as(user).data<{ id: string }[]>("GET", "/cluster/resources", {
          type: "vm",
        })
      ).map(({ id }) => id);
    assert.deepEqual(await ids("reader"), ["qemu/9000"]);
    const storages = await as("reader").data<unknown[]>("GET", "/storage");
    assert.deepEqual(storages, []);
  });

  it("and logs each request, but no password", async () => {
    await api.call("PUT", "/nodes/pve/qemu/4711/config", {
      cipassword: "hunter2",
    });
    const last = proxmox.requests.at(-1);
    assert.equal(last?.path, "/nodes/pve/qemu/4711/config");
    assert.equal(last?.status, 500);
    assert.deepEqual(last?.parameters.cipassword, "<hidden>");
    assert.doesNotMatch(JSON.stringify(proxmox.requests), /hunter2/);
  });
});
