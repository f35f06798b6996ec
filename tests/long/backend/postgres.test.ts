import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { openStackLocks } from "@corral-iac/cli/recovery/locks/open";
import { PostgresServer } from "@corral-iac/tools/postgres/server";
import type { PulumiRun } from "@corral-iac/tools/stack/pulumiStack";
import { blankMachine, fleetOf } from "../../support/fleets";
import {
  domains,
  removeDomains,
  TestPool,
  virsh,
  volumes,
} from "../../support/hypervisor";
import { RunningUp } from "../../support/runningUp";
import { REPOSITORY, TestStack } from "../../support/testStack";

const CIDR = "10.63.0.0/24";

// One stack through its life; each step stands on the one before, so a failed one fails the rest.
describe("a stack whose state is in PostgreSQL", function () {
  this.bail(true);
  let server: PostgresServer;
  let pool: TestPool;
  let stack: TestStack;
  /** Everything that a user saw. */
  const shown: string[] = [];

  before(async () => {
    server = await PostgresServer.start();
    pool = await TestPool.make();
    stack = await TestStack.make("pg", REPOSITORY, undefined, server.url);
  });

  after(async () => {
    await removeDomains("pg");
    await stack.remove();
    await pool.remove();
    await server.remove();
  });

  const declare = (machines: Record<string, unknown>) =>
    stack.declare(fleetOf(machines, CIDR));
  const succeeds = async (run: Promise<PulumiRun>): Promise<string> => {
    const { exitCode, output } = await run;
    shown.push(output);
    assert.equal(exitCode, 0, output);
    return output;
  };
  /** The keys of the backend's objects, without the database's name that stands before them. */
  const keys = async (): Promise<string[]> => {
    const rows = await server.sql<{ key: string }>(
      "SELECT key FROM pulumi_state ORDER BY key",
    );
    return rows.map(({ key }) => key.slice(key.indexOf("/") + 1));
  };

  it("is made, and shows no change afterwards", async () => {
    declare({ web: blankMachine(pool) });
    await succeeds(stack.up());
    assert.deepEqual(await domains("pg"), ["corral-pg-web"]);
    assert.ok((await keys()).includes(".pulumi/stacks/corral/pg.json"));
    await succeeds(stack.preview("--expect-no-changes"));
    await succeeds(stack.refresh());
    await succeeds(stack.preview("--expect-no-changes"));
  });

  it("tells a second operator who is at work on it", async () => {
    declare({
      web: blankMachine(pool, { ready: { until: "ssh", timeoutSeconds: 90 } }),
    });
    const first = RunningUp.start(stack);
    try {
      await first.written(/web-ready updating/);
      const second = await stack.up();
      shown.push(second.output);
      assert.notEqual(second.exitCode, 0);
      assert.match(second.output, /locked by 1 lock/);
      assert.match(second.output, new RegExp(`pid ${first.pid}\\b`));

      const locks = await openStackLocks({
        backendUrl: server.url,
        project: "corral",
        stack: "pg",
      });
      const [lock, ...more] = (await locks?.list()) ?? [];
      assert.equal(lock?.pid, first.pid);
      assert.deepEqual(more, []);
    } finally {
      await first.interrupt();
    }
    assert.deepEqual(await lockKeys(), []);
  });

  it("is locked for pulumi while this process holds it", async () => {
    const locks = await openStackLocks({
      backendUrl: server.url,
      project: "corral",
      stack: "pg",
    });
    assert.ok(locks);
    const held = await locks.hold();
    const refused = await stack.up();
    shown.push(refused.output);
    await held.release();
    assert.notEqual(refused.exitCode, 0);
    assert.match(refused.output, new RegExp(`pid ${process.pid}\\b`));
    assert.deepEqual(await lockKeys(), []);
  });

  it("goes back to a state of its history, without doubling what was made since", async () => {
    declare({ web: blankMachine(pool) });
    await succeeds(stack.up());
    const [earlier] = (await keys())
      .filter((key) => /\/history\/.*\.checkpoint\.json$/.test(key))
      .slice(-1);
    assert.ok(earlier);
    const before = await stack.exportedState();

    declare({ web: blankMachine(pool), db: blankMachine(pool) });
    await succeeds(stack.up());
    const db = await virsh("domuuid", "corral-pg-db");
    const names = await volumes(pool.name);

    await succeeds(importCheckpoint(await checkpointText(earlier)));
    const restored = await stack.exportedState();
    assert.deepEqual(
      restored.resources.map(({ urn }) => urn),
      before.resources.map(({ urn }) => urn),
    );

    // The next run must not take it for its own, nor make a second one beside it.
    const refused = await stack.up();
    shown.push(refused.output);
    assert.notEqual(refused.exitCode, 0);
    assert.match(
      refused.output,
      /"corral-pg-db" is taken .* of corral\/pg .*before its state was restored/,
    );
    assert.equal(await virsh("domuuid", "corral-pg-db"), db);

    // Only the user can tell that it was this stack's.
    const [, stamp = ""] = /--stamp ([0-9a-f]{16})/.exec(refused.output) ?? [];
    const found = await stack.corral("orphans");
    shown.push(found.output);
    assert.equal(found.exitCode, 3, found.output);
    assert.match(found.output, new RegExp(`corral-pg-db .*${stamp}`));
    const claimed = ["--stamp", stamp, "--remove", "--yes"];
    await succeeds(stack.corral("orphans", ...claimed));
    assert.deepEqual(await domains("pg"), ["corral-pg-web"]);

    await succeeds(stack.corral("up", "--yes"));
    assert.notEqual(await virsh("domuuid", "corral-pg-db"), db);
    assert.equal((await volumes(pool.name)).length, names.length);
    await succeeds(stack.preview("--expect-no-changes"));
  });

  it("is destroyed with everything that belongs to it", async () => {
    await succeeds(stack.destroy());
    assert.deepEqual(await domains("pg"), []);
    assert.deepEqual(await volumes(pool.name), [TestPool.IMAGE]);
    assert.deepEqual(await lockKeys(), []);
  });

  it("keeps the database's password to itself", async () => {
    const state = await server.sql<{ data: { data: string } }>(
      "SELECT data FROM pulumi_state",
    );
    const kept = state.map(({ data }) =>
      Buffer.from(data.data, "base64").toString("utf8"),
    );
    for (const text of [...shown, ...kept]) {
      assert.ok(!text.includes(server.password), "the password is in plain");
    }
  });

  async function lockKeys(): Promise<string[]> {
    return (await keys()).filter((key) => key.startsWith(".pulumi/locks/"));
  }

  async function checkpointText(key: string): Promise<string> {
    const rows = await server.sql<{ key: string; data: { data: string } }>(
      "SELECT key, data FROM pulumi_state",
    );
    const row = rows.find((candidate) => candidate.key.endsWith(key));
    assert.ok(row);
    return Buffer.from(row.data.data, "base64").toString("utf8");
  }

  /** A backend of one's own has no `stack export --version`: its checkpoints are imported as they are kept. */
  function importCheckpoint(text: string): Promise<PulumiRun> {
    const { version, checkpoint } = JSON.parse(text) as {
      version: number;
      checkpoint: { latest: unknown };
    };
    const file = path.join(stack.folder, "restored.json");
    fs.writeFileSync(
      file,
      JSON.stringify({ version, deployment: checkpoint.latest }),
    );
    return stack.pulumi("stack", "import", "--file", file);
  }
});
