import assert from "node:assert/strict";
import {
  type ProxmoxSimulator,
  startProxmox,
} from "@corral-iac/tools/lab/proxmox/index";
import { clientOf, clone } from "../../support/proxmoxMachines";
import { type Declared, OpsProgram } from "./opsProgram";

describe("corral-ops on Proxmox VE, in the real engine", () => {
  let simulator: ProxmoxSimulator;
  let program: OpsProgram;

  before(async () => {
    simulator = await startProxmox({ taskMs: 100 });
    program = await OpsProgram.make();
    const client = clientOf(simulator);
    await clone(client, { vmId: 8101, name: "web" });
    await client.waitForTask(
      await client.post("nodes/pve/qemu/8101/status/start"),
    );
    client.close();
  });

  after(async () => {
    await program.remove();
    await simulator.stop();
  });

  const machine = () => ({
    endpoint: simulator.endpoint,
    apiToken: simulator.apiToken,
    insecure: true,
    node: "pve",
    vmId: 8101,
  });
  const ready = (changes: object = {}): Declared => ({
    type: "GuestReady",
    name: "ready",
    args: {
      until: "cloudInit",
      through: "agent",
      timeoutSeconds: 5,
      machine: { id: "8101", name: "web", proxmox: machine() },
      ...changes,
    },
  });
  const snapshot = (changes: object = {}): Declared => ({
    type: "ProxmoxSnapshot",
    name: "final-form",
    args: { machine: machine(), name: "final-form", ...changes },
  });
  const snapshots = () => simulator.machine(8101).snapshots;

  async function up(...flags: string[]): Promise<string> {
    const { exitCode, output } = await program.up(...flags);
    assert.equal(exitCode, 0, output);
    return output;
  }

  it("waits for a guest through its agent, bounded, and says what for", async () => {
    simulator.simulated.agentReadyMs = -1;
    program.declare(ready());
    const { exitCode, output } = await program.up();
    assert.notEqual(exitCode, 0, output);
    assert.match(
      output,
      /stage "agent": waited for its guest agent to answer; it did not come within 5 s/,
    );
    assert.match(output, /Last seen: QEMU guest agent is not running/);

    simulator.simulated.agentReadyMs = 0;
    assert.match(await up(), /\+ 1 created/);
    const state = await program.state();
    assert.match(state, /"cloudInitStatus": "status: done/);
    assert.match(state, /"address": "10\./);
  });

  it("shows what cloud-init said when it failed", async () => {
    const { exec } = simulator.simulated;
    simulator.simulated.exec = () => ({
      exitCode: 1,
      stdout: "status: error\nerrors:\n\t- ('scripts_user', boom)\n",
    });
    try {
      program.declare(
        ready({ machine: { id: "other", name: "web", proxmox: machine() } }),
      );
      const { exitCode, output } = await program.up();
      assert.notEqual(exitCode, 0, output);
      assert.match(output, /stage "cloudInit"/);
      assert.match(output, /status: error/);
      assert.match(output, /scripts_user', boom/);
    } finally {
      simulator.simulated.exec = exec;
    }
  });

  it("takes a snapshot once, and looks nowhere when there is nothing to do", async () => {
    program.declare(ready(), snapshot({ description: "as delivered" }));
    await up();
    const { "final-form": taken } = snapshots();
    assert.match(taken?.description ?? "", /^as delivered\ncorral-snapshot: /);
    const place = simulator.requests.length;
    assert.match(await up(), /3 unchanged/);
    assert.equal(simulator.requests.length, place);
    assert.match(await up("--refresh"), /3 unchanged/);
    assert.equal(snapshots()["final-form"]?.time, taken?.time);
  });

  it("takes one again that was deleted by hand", async () => {
    delete snapshots()["final-form"];
    await up("--refresh");
    assert.deepEqual(Object.keys(snapshots()), ["final-form"]);
  });

  it("renews it when it is asked to, and describes it anew in place", async () => {
    const mark = () =>
      snapshots()["final-form"]?.description?.split("\n").at(-1);
    const first = mark();
    program.declare(ready(), snapshot({ description: "again" }));
    assert.match(await up(), /~ 1 updated/);
    assert.match(snapshots()["final-form"]?.description ?? "", /^again\n/);
    assert.equal(mark(), first);
    program.declare(ready(), snapshot({ revision: "2" }));
    assert.match(await up(), /\+-1 replaced/);
    assert.notEqual(mark(), first);
    program.declare(ready(), snapshot({ revision: "2", name: "golden" }));
    await up();
    assert.deepEqual(Object.keys(snapshots()), ["golden"]);
  });

  it("keeps the token out of the state and of everything that is shown", async () => {
    const shown = (await program.run("preview", "--diff")).output;
    const [, secret = ""] = simulator.apiToken.split("=");
    assert.ok(secret.length > 20);
    assert.ok(!`${shown}${await program.state()}`.includes(secret));
  });

  it("waits for a machine that is locked, and is never in the way of a destroy", async () => {
    simulator.setLock(8101, "backup");
    setTimeout(() => simulator.setLock(8101, undefined), 4000);
    program.declare(ready());
    const output = await up();
    assert.match(output, /- 1 deleted/);
    assert.deepEqual(snapshots(), {});

    program.declare(ready(), snapshot());
    await up();
    await simulator.remove(8101);
    const destroyed = await program.run("destroy", "--yes", "--skip-preview");
    assert.equal(destroyed.exitCode, 0, destroyed.output);
    assert.deepEqual(simulator.unknownCalls, []);
  });
});
