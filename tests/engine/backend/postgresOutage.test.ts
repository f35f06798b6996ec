import assert from "node:assert/strict";
import execa from "execa";
import { judgeLock } from "@corral-iac/cli/recovery/locks/judge";
import { openStackLocks } from "@corral-iac/cli/recovery/locks/open";
import { thisHost } from "@corral-iac/cli/recovery/processes";
import { PostgresServer } from "@corral-iac/tools/postgres/server";
import type { PulumiRun } from "@corral-iac/tools/stack/pulumiStack";
import { blankMachine, fleetOf } from "../../support/fleets";
import {
  domains,
  removeDomains,
  TestPool,
  volumes,
} from "../../support/hypervisor";
import { RunningUp } from "../../support/runningUp";
import { REPOSITORY, TestStack } from "../../support/testStack";

describe("a state database that goes away in the middle of an up", () => {
  let server: PostgresServer;
  let pool: TestPool;
  let stack: TestStack;

  beforeEach(async () => {
    server = await PostgresServer.start();
    pool = await TestPool.make();
    stack = await TestStack.make("outage", REPOSITORY, undefined, server.url);
    stack.declare(
      fleetOf(
        { web: blankMachine(pool), db: blankMachine(pool) },
        "10.63.0.0/24",
      ),
    );
  });

  afterEach(async () => {
    await server.restart();
    await stack.pulumi("cancel", "--yes");
    await removeDomains("outage");
    await stack.remove();
    await pool.remove();
    await server.remove();
  });

  it("and comes back within half a minute does no harm", async () => {
    const up = RunningUp.start(stack);
    await up.written(/(web|db)-domain creating/);
    await server.kill();
    await server.restart();
    const { exitCode, output } = await up.ended;
    assert.equal(exitCode, 0, output);
    await everythingIsThereOnce();
  });

  it("and stays away fails the run; the next one ends with every object once", async function () {
    // The engine tries to save for half a minute, one after the other for each thing under way.
    this.timeout(300_000);
    const up = RunningUp.start(stack);
    await up.written(/(web|db)-domain creating/);
    await server.kill();
    const { exitCode, output } = await up.ended;
    assert.notEqual(exitCode, 0);
    assert.match(output, /failed to save snapshot/);
    assert.match(output, /connection refused/);
    assert.ok(!output.includes(server.password), "the password is in plain");

    // The engine could not give its lock back either.
    await server.restart();
    const locks = await openStackLocks({
      backendUrl: server.url,
      project: "corral",
      stack: "outage",
    });
    const [left] = (await locks?.list()) ?? [];
    assert.ok(locks && left);
    assert.equal(left.pid, up.pid);
    assert.equal(judgeLock(left, thisHost), "dead");
    await locks.break(left);

    const next = await upByRemedies();
    assert.equal(next.exitCode, 0, next.output);
    await everythingIsThereOnce();
  });

  /** What was made and could not be noted down is told with its remedy, which is followed here. */
  async function upByRemedies(): Promise<PulumiRun> {
    for (let round = 1; ; round++) {
      const run = await stack.up();
      const remedies = new Set(
        [...run.output.matchAll(/Remove it by: virsh (.+)$/gm)].map(
          ([, command = ""]) => command.trim(),
        ),
      );
      if (run.exitCode === 0 || remedies.size === 0 || round === 4) {
        return run;
      }
      for (const remedy of remedies) {
        await execa.command(`virsh ${remedy}`);
      }
    }
  }

  async function everythingIsThereOnce(): Promise<void> {
    assert.deepEqual((await domains("outage")).sort(), [
      "corral-outage-db",
      "corral-outage-web",
    ]);
    const kinds = (await volumes(pool.name))
      .filter((name) => name !== TestPool.IMAGE)
      .map((name) => /-(web|db)-(\w+)-/.exec(name)?.slice(1).join(" ") ?? name);
    assert.equal(new Set(kinds).size, kinds.length, `${kinds}`);
    const preview = await stack.preview("--expect-no-changes");
    assert.equal(preview.exitCode, 0, preview.output);
  }
});
