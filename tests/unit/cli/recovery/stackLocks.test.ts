import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { openStackLocks } from "@corral-iac/cli/recovery/locks/open";
import {
  StackLockedError,
  type StackLocks,
} from "@corral-iac/cli/recovery/locks/stackLocks";

describe("the locks of a stack in a file backend", () => {
  let root: string;
  let locks: StackLocks;

  beforeEach(async () => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), "corral-state-"));
    write(".pulumi/meta.yaml", "version: 1\n");
    locks = await open("dev");
  });
  afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

  const open = async (stack: string): Promise<StackLocks> => {
    const opened = await openStackLocks({
      backendUrl: `file://${root}`,
      project: "corral",
      stack,
    });
    assert.ok(opened);
    return opened;
  };
  const write = (key: string, text: string) => {
    fs.mkdirSync(path.dirname(path.join(root, key)), { recursive: true });
    fs.writeFileSync(path.join(root, key), text);
  };
  /** As Pulumi 3.259 writes it. */
  const pulumisLock = JSON.stringify({
    pid: 4711,
    username: "ops",
    hostname: "hv1",
    timestamp: "2026-03-01T12:00:00.123456789+01:00",
  });
  const FOLDER = ".pulumi/locks/organization/corral/dev";

  it("are none where nothing is", async () => {
    assert.deepEqual(await locks.list(), []);
  });

  it("say who has them, since when", async () => {
    write(`${FOLDER}/a.json`, pulumisLock);
    write(`${FOLDER}/a.json.attrs`, "{}");
    write(".pulumi/locks/organization/corral/dev2/b.json", pulumisLock);
    assert.deepEqual(await locks.list(), [
      {
        key: `${FOLDER}/a.json`,
        pid: 4711,
        user: "ops",
        host: "hv1",
        createdAt: new Date("2026-03-01T11:00:00.123Z"),
      },
    ]);
  });

  it("are found where backends without projects keep them", async () => {
    fs.rmSync(path.join(root, ".pulumi/meta.yaml"));
    write(".pulumi/locks/dev/a.json", pulumisLock);
    assert.equal((await locks.list()).length, 1);
  });

  it("are broken one by one, and once", async () => {
    write(`${FOLDER}/a.json`, pulumisLock);
    write(`${FOLDER}/b.json`, pulumisLock);
    const [first] = await locks.list();
    assert.ok(first);
    await locks.break(first);
    await locks.break(first);
    assert.deepEqual(
      (await locks.list()).map(({ key }) => key),
      [`${FOLDER}/b.json`],
    );
  });

  it("are held by this process until it gives them back", async () => {
    const held = await locks.hold();
    const [lock] = await locks.list();
    assert.equal(lock?.pid, process.pid);
    assert.equal(lock?.host, os.hostname());
    assert.equal(lock?.user, os.userInfo().username);
    await held.release();
    await held.release();
    assert.deepEqual(await locks.list(), []);
  });

  it("are not held over somebody else's, who is named", async () => {
    write(`${FOLDER}/a.json`, pulumisLock);
    await assert.rejects(locks.hold(), (error: unknown) => {
      assert.ok(error instanceof StackLockedError);
      assert.match(error.message, /ops@hv1 \(process 4711\)/);
      return true;
    });
    assert.deepEqual(
      (await locks.list()).map(({ key }) => key),
      [`${FOLDER}/a.json`],
    );
  });

  it("are never held by two at once", async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, () => locks.hold()),
    );
    const winners = results.filter(({ status }) => status === "fulfilled");
    assert.ok(winners.length <= 1);
    assert.equal((await locks.list()).length, winners.length);
  });

  it("of other stacks do not count", async () => {
    await (await open("staging")).hold();
    await (await locks.hold()).release();
  });

  it("that nobody can read are an error with the remedy", async () => {
    write(`${FOLDER}/a.json`, '{"pid":');
    await assert.rejects(locks.list(), /pulumi cancel/);
  });

  it("leave nothing half written", async () => {
    await locks.hold();
    const leftovers = fs
      .readdirSync(root, { recursive: true })
      .filter((name) => String(name).endsWith(".tmp"));
    assert.deepEqual(leftovers, []);
  });
});

describe("backends that cannot be looked into", () => {
  it("have no locks to be seen", async () => {
    for (const backendUrl of [
      "https://api.pulumi.com",
      "s3://bucket",
      "azblob://container",
      "gs://bucket",
    ]) {
      assert.equal(
        await openStackLocks({ backendUrl, project: "corral", stack: "dev" }),
        undefined,
      );
    }
  });
});
