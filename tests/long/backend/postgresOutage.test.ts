import assert from "node:assert/strict";
import { PostgresServer } from "@corral-iac/tools/postgres/server";
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

    // The engine could not give its lock back either: it is seen to be dead.
    await server.restart();
    const next = await stack.corral("up", "--yes");
    assert.equal(next.exitCode, 0, next.output);
    assert.match(next.output, new RegExp(`Broke the lock .*${up.pid}`));
    await everythingIsThereOnce();
  });

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
