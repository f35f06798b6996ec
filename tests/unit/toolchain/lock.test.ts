import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import {
  breakLock,
  isAlive,
  readHolder,
  tryLock,
  withLock,
} from "@corral-iac/tools/toolchain/lock";

describe("toolchain: lock", () => {
  let folder: string;
  let file: string;
  // Larger than any pid that Linux gives.
  const dead = { pid: 4_194_305, started: "1" };

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-lock-"));
    file = path.join(folder, "lock");
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  it("is taken once, names its holder, and leaves nothing behind", async () => {
    await withLock(file, () => {
      assert.equal(tryLock(file), false);
      assert.equal(readHolder(file)?.pid, process.pid);
      return Promise.resolve();
    });
    assert.deepEqual(fs.readdirSync(folder), []);
  });

  it("is given back when the work fails", async () => {
    const failing = withLock(file, () => Promise.reject(new Error("no")));
    await assert.rejects(failing, /no/);
    assert.deepEqual(fs.readdirSync(folder), []);
  });

  it("of a dead process is taken over", async () => {
    assert.equal(tryLock(file, dead), true);
    let told = false;
    const result = await withLock(file, () => Promise.resolve(7), {
      onWait: () => (told = true),
    });
    assert.equal(result, 7);
    assert.equal(told, false);
  });

  it("that holds no sense is taken over", async () => {
    fs.writeFileSync(file, "");
    assert.equal(await withLock(file, () => Promise.resolve(7)), 7);
  });

  it("of a living process is waited for, and the wait is bounded", async () => {
    assert.equal(tryLock(file), true);
    const seen: number[] = [];
    const waiting = withLock(file, () => Promise.resolve(), {
      timeoutSeconds: -1,
      onWait: ({ pid }) => seen.push(pid),
    });
    await assert.rejects(waiting, new RegExp(`process ${process.pid}`));
    assert.deepEqual(seen, [process.pid]);
    assert.equal(readHolder(file)?.pid, process.pid);
  });

  it("that another took in the meantime is not broken", () => {
    assert.equal(tryLock(file), true);
    breakLock(file, dead);
    assert.equal(readHolder(file)?.pid, process.pid);
    assert.deepEqual(fs.readdirSync(folder), ["lock"]);
  });

  it("tells a later process with the same pid from the holder", function () {
    if (!fs.existsSync("/proc/self/stat")) {
      this.skip();
    }
    assert.equal(isAlive({ pid: process.pid, started: "" }), true);
    assert.equal(isAlive({ pid: process.pid, started: "1" }), false);
    assert.equal(isAlive(dead), false);
  });
});
