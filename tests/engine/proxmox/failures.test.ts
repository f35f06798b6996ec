import assert from "node:assert/strict";
import { bookMachine, ProxmoxStack } from "../../support/proxmox";

const VM_ID = 8101;

describe("a ProxmoxVm whose making fails half-way", () => {
  let setting: ProxmoxStack;
  const declare = (changes: Record<string, unknown> = {}) =>
    setting.declare({ web: bookMachine({ vmId: VM_ID, ...changes }) });
  const fails = async (...says: RegExp[]) => {
    const { exitCode, output } = await setting.stack.up();
    assert.notEqual(exitCode, 0);
    says.forEach((words) => assert.match(output.replace(/\s+/g, " "), words));
    return output;
  };
  /** The machine is there once, and the next preview is empty. */
  const isWell = async () => {
    await setting.up();
    assert.equal(setting.proxmox.machine(VM_ID).running, true);
    assert.deepEqual(
      setting.proxmox.machines.map(({ vmId }) => vmId),
      [VM_ID],
    );
  };

  beforeEach(async () => {
    setting = await ProxmoxStack.make("pvefail");
    declare();
  });
  afterEach(async () => {
    setting.proxmox.faults.clear();
    setting.proxmox.simulated.agentReadyMs = 0;
    declare();
    const { unknownCalls } = setting.proxmox;
    await setting.remove();
    assert.deepEqual(unknownCalls, []);
  });

  it("by a clone that fails: nothing stays, and the next up makes it", async () => {
    setting.proxmox.faults.add({
      on: "task",
      type: "qmclone",
      outcome: "fails",
      message: "clone failed: no space left on device",
    });
    await fails(/no space left on device/);
    assert.deepEqual(setting.proxmox.leftovers(), []);
    await isWell();
  });

  it("by a clone that is refused: it is not tried twice", async () => {
    setting.proxmox.faults.add({
      on: "request",
      method: "POST",
      path: "/clone",
      times: 3,
      answer: { status: 500, reason: "got timeout" },
    });
    const before = setting.proxmox.requests.length;
    await fails(/got timeout/);
    assert.equal(
      setting.changes(before).filter((line) => line.endsWith("/clone")).length,
      1,
    );
    setting.proxmox.faults.clear();
    await isWell();
  });

  it("after the clone: the next up names the leftover, and corral up mends it", async () => {
    setting.proxmox.faults.add({
      on: "task",
      type: "qmstart",
      outcome: "fails",
      message: "start failed: QEMU exited with code 1",
    });
    await fails(/QEMU exited with code 1/);
    assert.equal(setting.proxmox.machine(VM_ID).running, false);

    await fails(
      /vmId is 8101: VM 8101 "corral-pvefail-web" exists already .*It carries this machine's own stamp.*`corral up` removes it; by hand: qm stop 8101; qm destroy 8101 --purge/,
    );
    const mended = await setting.stack.corral("up", "--yes");
    assert.equal(mended.exitCode, 0, mended.output);
    await isWell();
  });

  it("because the agent never comes: bounded, the machine stays in the state, and the next up only waits", async () => {
    setting.proxmox.simulated.agentReadyMs = -1;
    declare({ ready: { timeoutSeconds: 2 } });
    await fails(
      /corral-pvefail-web is not ready: stage "agent": waited for its guest agent to answer; it did not come within 2 s/,
      /Last seen: QEMU guest agent is not running/,
    );
    const { resources } = await setting.stack.exportedState();
    assert.ok(resources.some(({ urn }) => urn.endsWith("::web-vm")));

    setting.proxmox.simulated.agentReadyMs = 0;
    const before = setting.proxmox.requests.length;
    await setting.up();
    assert.deepEqual(
      setting.changes(before).filter((line) => !line.includes("/agent/")),
      [],
    );
  });

  it("because cloud-init fails: its status is in the error", async () => {
    const { exec } = setting.proxmox.simulated;
    setting.proxmox.simulated.exec = () => ({
      exitCode: 1,
      stdout: "status: error\ndetail: module scripts_user failed\n",
    });
    try {
      await fails(
        /stage "cloudInit"/,
        /status: error detail: module scripts_user failed/,
      );
    } finally {
      setting.proxmox.simulated.exec = exec;
    }
    await isWell();
  });

  it("takes no wait of the provider's own, with no agent in the guest: create, refresh, update", async () => {
    setting.proxmox.simulated.agentReadyMs = -1;
    declare({ ready: { until: "none" } });
    const asksAgent = () =>
      setting.proxmox.requests.filter(({ path }) => path.includes("/agent/"));
    const began = Date.now();
    await setting.up();
    const refreshed = await setting.stack.refresh();
    assert.equal(refreshed.exitCode, 0, refreshed.output);
    declare({ ready: { until: "none" }, cores: 3 });
    await setting.up();
    assert.deepEqual(asksAgent(), []);
    // Its default is 15 minutes, each time.
    assert.ok(Date.now() - began < 120_000);
  });

  it("shuts a machine that does not listen down by force, when it is deleted", async () => {
    await setting.up();
    setting.proxmox.simulated.shutdownMs = -1;
    try {
      const { exitCode, output } = await setting.stack.destroy();
      assert.equal(exitCode, 0, output);
    } finally {
      setting.proxmox.simulated.shutdownMs = 0;
    }
    assert.deepEqual(setting.proxmox.leftovers(), []);
  });

  it("does not power off what is protected", async () => {
    declare({ protection: true });
    await setting.up();
    const { exitCode, output } = await setting.stack.destroy();
    assert.notEqual(exitCode, 0);
    assert.match(
      output.replace(/\s+/g, " "),
      /VM 8101 at .* is protected, so it is not deleted and goes on as it is; declare protection: false/,
    );
    assert.equal(setting.proxmox.machine(VM_ID).running, true);
    declare({ protection: false });
    await setting.up();
  });

  it("does not power off what something else works on", async () => {
    await setting.up();
    setting.proxmox.setLock(VM_ID, "backup");
    const { exitCode, output } = await setting.stack.destroy();
    assert.notEqual(exitCode, 0);
    assert.match(output, /VM 8101 at .* is locked \(backup\)/);
    assert.equal(setting.proxmox.machine(VM_ID).running, true);
    setting.proxmox.setLock(VM_ID, undefined);
  });
});
