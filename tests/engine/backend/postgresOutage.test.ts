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

  it("and comes back within half a minute does no harm", async () => {
    const up = RunningUp.start(stack);
    await up.written(/(web|db)-domain creating/);
    await server.kill();
    await server.restart();
    const { exitCode, output } = await up.ended;
    assert.equal(exitCode, 0, output);
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
