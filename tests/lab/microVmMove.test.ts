import assert from "node:assert/strict";
import { MoveSubject } from "../support/moves";

describe("a microVM that moves to another host", function () {
  this.timeout(600_000);
  let subject: MoveSubject;
  let sum: string;

  before(async () => {
    subject = await MoveSubject.make();
    await subject.declare({ on: "a" });
    await subject.up();
    sum = await subject.inGuest(
      "dd if=/dev/urandom of=/data/blob bs=1M count=24 2>/dev/null; sync; sha256sum </data/blob",
    );
    assert.match(sum, /^[0-9a-f]{64}/);
  });
  after(async () => {
    await subject.remove();
  });

  it("is refused unless it is asked for, and nothing is touched", async () => {
    await subject.declare({ on: "b" });
    const preview = await subject.program.run("preview");
    assert.notEqual(preview.exitCode, 0);
    assert.match(
      preview.output,
      /web is on root@.* another one: give onHostChange: "move"/,
    );
    assert.match(await subject.failsToUp(), /give onHostChange: "move"/);
    await subject.assertNothingOn("b");
    assert.equal(await subject.state("a"), "active");
  });

  it("is told in the preview, with how much data", async () => {
    await subject.declare({ on: "b", args: { onHostChange: "move" } });
    const { exitCode, output } = await subject.program.run("preview");
    assert.equal(exitCode, 0, output);
    assert.match(
      output,
      /moves from root@.* to root@.*: stopped, [\d.]+ MiB of data \(data\) copied, started there, and then removed here/,
    );
    await subject.assertNothingOn("b");
  });

  it("has its data there, its address, and left nothing behind", async () => {
    const { address } = await subject.web();
    const output = await subject.up();
    assert.match(output, /moved from root@/);
    assert.equal((await subject.web()).address, address);
    assert.equal(await subject.inGuest("sha256sum </data/blob"), sum);
    await subject.assertNothingOn("a");
    assert.equal(await subject.hypervisors("b"), 1);
  });

  it("has nothing to change afterwards, nor after a look at the hosts", async () => {
    const preview = await subject.program.run("preview", "--expect-no-changes");
    assert.equal(preview.exitCode, 0, preview.output);
    await subject.up("--refresh", "--expect-no-changes");
  });

  it("comes back the same way", async () => {
    await subject.declare({ on: "a", args: { onHostChange: "move" } });
    await subject.up();
    assert.equal(await subject.inGuest("sha256sum </data/blob"), sum);
    await subject.assertNothingOn("b");
  });

  it("leaves nothing on either host when it is destroyed", async () => {
    await subject.declare({
      on: "a",
      args: {
        volumes: [
          { name: "data", sizeGib: 0.125, mountPoint: "/data", keep: false },
        ],
      },
    });
    await subject.up();
    await subject.assertDestroyed();
  });
});
