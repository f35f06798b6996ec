import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";

import { Asset } from "@corral-iac/corral-ops/frame/value";

import { eventually } from "../provider/sshServer";
import { ID, ScratchGuest, sha256 } from "./scratchGuest";

describe("files in a guest, when something goes wrong", () => {
  const scratch = new ScratchGuest();
  const {
    at,
    read,
    put,
    file,
    run,
    write,
    remove,
    wrap,
    unwrap,
    leftovers,
    fault,
  } = scratch;

  before(() => scratch.start());
  after(() => scratch.stop());
  beforeEach(() => scratch.renew());

  it("keeps the old file and says why, where the new one finds no room", async () => {
    put("full/a", "old\n");
    wrap(
      "dd",
      'case $* in *./a*) echo "dd: error writing \'./a\': No space left on device" >&2; exit 1;; esac; exec $real "$@"',
    );
    const outcome = await run({
      files: [file("b"), file("full/a"), file("z/c")],
    });
    assert.match(
      fault(outcome) ?? "",
      /full\/a cannot be changed in the guest: dd: .*No space left on device\nWhat was there before is as it was/,
    );
    assert.equal(read("full/a"), "old\n");
    assert.deepEqual([...outcome.written], [at("b")]);
    assert.deepEqual(leftovers(), []);
  });

  it("goes on with what is not done, and restores what was there at the very first", async () => {
    put("a", "old a\n");
    put("b", "old b\n");
    wrap(
      "mv",
      'for f; do [ "$f" != ./b ] || { $real -f -- ./a "' +
        at("") +
        '/"; echo "mv: cannot move b" >&2; exit 1; }; done; exec $real "$@"',
    );
    const outcome = await run({ files: [file("a"), file("b")] });
    assert.match(fault(outcome) ?? "", /mv: cannot move b/);
    assert.deepEqual([...outcome.written], [at("a")]);
    assert.equal(read("a"), "content of a\n");
    assert.equal(read("b"), "old b\n");
    unwrap();
    await write(file("a"), file("b"));
    assert.equal(read("b"), "content of b\n");
    await remove({}, "a", "b");
    assert.deepEqual([read("a"), read("b")], ["old a\n", "old b\n"]);
  });

  it("does not take a source that changed since it was hashed", async () => {
    put("a", "old\n");
    const source = path.join(scratch.folder, "source");
    fs.writeFileSync(source, "new, and changed again");
    const outcome = await run({
      files: [file("a", new Asset(sha256("new"), { path: source }))],
    });
    assert.match(
      fault(outcome) ?? "",
      /source changed while it was being written/,
    );
    assert.equal(read("a"), "old\n");
    assert.deepEqual(leftovers(), []);
  });

  it("says when a source cannot be read", async () => {
    const outcome = await run({
      files: [file("a", new Asset(sha256("x"), { path: at("missing") }))],
    });
    assert.match(fault(outcome) ?? "", /missing cannot be read here: ENOENT/);
    assert.deepEqual(leftovers(), []);
  });

  it("does not take what arrived otherwise than it was sent", async () => {
    wrap("dd", '$real "$@"; case $* in *of=*) echo more >>./a ;; esac');
    const outcome = await run({ files: [file("a")] });
    assert.match(
      fault(outcome) ?? "",
      /did not arrive in the guest as it was sent/,
    );
    assert.ok(!fs.existsSync(at("a")));
  });

  /** More than fits into what lies between here and the guest. */
  function endless(): Asset {
    const source = path.join(scratch.folder, "endless");
    fs.writeFileSync(source, "");
    fs.truncateSync(source, 8 * 1024 * 1024 * 1024);
    return new Asset("0".repeat(64), { path: source });
  }
  const hasBegun = () =>
    fs.existsSync(at(`big/.corral-${ID}/file`)) &&
    fs.statSync(at(`big/.corral-${ID}/file`)).size > 1024 * 1024;

  it("stops at once when it is told to, and leaves nothing half done", async () => {
    put("big/file", "old\n");
    const stop = new AbortController();
    const work = run({ files: [file("big/file", endless())] }, { stop });
    await eventually("the transfer has begun", hasBegun);
    const began = Date.now();
    stop.abort(new Error("stopped by the test"));
    assert.equal(fault(await work), "stopped by the test");
    assert.ok(Date.now() - began < 2500, `${Date.now() - began} ms`);
    assert.equal(read("big/file"), "old\n");
    await eventually(
      "nothing half done is left",
      () => leftovers().length === 0,
    );
  });

  it("clears away at the next time what was left when the guest lost power", async () => {
    put("big/file", "old\n");
    wrap("dd", 'case $* in *of=*) kill -9 $PPID ;; esac; exec $real "$@"');
    const cut = await run({ files: [file("big/file")] });
    assert.ok(fault(cut));
    assert.ok(leftovers().length > 0);
    unwrap();
    await write(file("elsewhere"));
    assert.deepEqual(leftovers(), []);
    assert.equal(read("big/file"), "old\n");
  });

  it("says what it was doing when the connection breaks off", async () => {
    const work = run({ files: [file("big/file", endless())] });
    await eventually("the transfer has begun", hasBegun);
    scratch.server.breakConnections();
    assert.match(
      fault(await work) ?? "",
      /writing failed on .*: the connection was lost/,
    );
    await eventually(
      "nothing half done is left",
      () => leftovers().length === 0,
    );
  });

  it("does not wait for a guest that stands still", async () => {
    wrap("sha256sum", "sleep 60");
    const outcome = await run({ files: [file("a")] }, { timeoutSeconds: 5 });
    assert.match(
      fault(outcome) ?? "",
      /no sign of progress for 5 s \(timeoutSeconds\)/,
    );
    assert.ok(!fs.existsSync(at("a")));
    assert.deepEqual(leftovers(), []);
  });

  it("names a program that the guest lacks", async () => {
    const shell = scratch.overSsh(`PATH=${scratch.tools}\n`);
    await assert.rejects(
      run({ files: [file("a")] }, { shell }),
      /the guest has no program cat/,
    );
  });
});
