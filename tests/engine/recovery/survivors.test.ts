import assert from "node:assert/strict";
import { openStackLocks } from "@corral-iac/cli/recovery/locks/open";
import { folderOf } from "@corral-iac/cli/recovery/locks/fileUrl";
import { judgeLock } from "@corral-iac/cli/recovery/locks/judge";
import type { StackLocks } from "@corral-iac/cli/recovery/locks/stackLocks";
import { isRunning, thisHost } from "@corral-iac/cli/recovery/processes";
import {
  endSurvivors,
  findSurvivors,
} from "@corral-iac/cli/recovery/survivors";
import { mendTornState } from "@corral-iac/cli/recovery/tornState";
import { makeClone, removeClone } from "../../support/clone";
import { blankMachine, fleetOf } from "../../support/fleets";
import { removeDomains, TestPool, virsh } from "../../support/hypervisor";
import { RunningUp } from "../../support/runningUp";
import { TestStack } from "../../support/testStack";

describe("what a killed engine leaves on this machine", () => {
  // Its own: a `corral up` of another test would end what this one leaves.
  let program: string;
  let pool: TestPool;
  let killed: TestStack;
  let living: TestStack;
  let livingRun: RunningUp | undefined;

  before(async () => {
    pool = await TestPool.make();
    program = makeClone();
    killed = await TestStack.make("enginegone", program);
    living = await TestStack.make("enginelives", program);
    // Neither run ends by itself: their guests never answer.
    const silent = { ready: { until: "ssh", timeoutSeconds: 90 } };
    killed.declare(
      fleetOf(
        { web: blankMachine(pool, silent), db: blankMachine(pool) },
        "10.63.0.0/25",
      ),
    );
    living.declare(
      fleetOf({ web: blankMachine(pool, silent) }, "10.63.0.128/25"),
    );
  });

  after(async () => {
    await livingRun?.interrupt();
    await endSurvivors(findSurvivors(runOf("enginegone")));
    await killed.pulumi("cancel", "--yes");
    await Promise.all([removeDomains("enginegone"), living.remove()]);
    await killed.remove();
    await pool.remove();
    removeClone(program);
  });

  const runOf = (stack: string) => ({
    programFolder: program,
    project: "corral",
    stack,
  });

  it("is found and ended, next to a run that goes on", async () => {
    livingRun = RunningUp.start(living);
    const up = RunningUp.start(killed);
    await Promise.all([
      livingRun.written(/web-ready creating/),
      up.written(/web-ready creating/),
    ]);
    await up.kill();

    const survivors = findSurvivors(runOf("enginegone"));
    const names = survivors.map(({ name }) => name);
    assert.ok(names.includes("pulumi-resource-terraform-provider"), `${names}`);
    assert.ok(
      names.some((name) => name.startsWith("terraform-provider-libvirt")),
      `${names}`,
    );
    assert.deepEqual(findSurvivors(runOf("enginelives")), []);

    const ended = await endSurvivors(survivors);
    assert.equal(ended.length, survivors.length);
    assert.deepEqual(survivors.filter(isRunning), []);
    assert.deepEqual(findSurvivors(runOf("enginegone")), []);
  });

  it("is a lock whose process is dead; the run that goes on holds its own", async () => {
    const [dead, ...more] = await (await locksOf(killed, "enginegone")).list();
    assert.ok(dead);
    assert.deepEqual(more, []);
    assert.equal(judgeLock(dead, thisHost), "dead");

    const [alive] = await (await locksOf(living, "enginelives")).list();
    assert.ok(alive);
    assert.equal(alive.pid, livingRun?.pid);
    assert.equal(judgeLock(alive, thisHost), "alive");
  });

  it("did no harm to the run that goes on", async () => {
    assert.ok(livingRun);
    await livingRun.interrupt();
    const { output } = await livingRun.ended;
    // Its plugins were there to the end: the wait was stopped by us and by nothing else.
    assert.doesNotMatch(output, /plugin.*(exited|connection|transport)/i);
    assert.equal(
      await virsh("domstate", "corral-enginelives-web"),
      "running",
      output,
    );
  });

  it("lets pulumi work on the stack again when the lock is broken, and never while it is held", async () => {
    const locks = await locksOf(killed, "enginegone");
    for (const lock of await locks.list()) {
      await locks.break(lock);
    }
    // As `corral up` does: the engine may have been killed while it wrote.
    mendTornState(folderOf(killed.backendUrl, "/"), {
      project: "corral",
      stack: "enginegone",
    });
    const held = await locks.hold();
    const refused = await killed.up();
    assert.notEqual(refused.exitCode, 0);
    assert.match(refused.output, /locked by 1 lock/);
    assert.match(refused.output, new RegExp(`pid ${process.pid}\\b`));
    await held.release();

    await removeDomains("enginegone");
    const { exitCode, output } = await killed.refresh();
    assert.equal(exitCode, 0, output);
    assert.deepEqual(await locks.list(), []);
  });
});

async function locksOf(stack: TestStack, name: string): Promise<StackLocks> {
  const locks = await openStackLocks({
    backendUrl: stack.backendUrl,
    project: "corral",
    stack: name,
  });
  assert.ok(locks);
  return locks;
}
