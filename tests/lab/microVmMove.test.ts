import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { BACK, MoveSubject } from "../support/moves";

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

// What a machine has beside volumes: a root disk, a second network, a folder of its host.
describe("a microVM with all that it can have, which moves to another host", function () {
  this.timeout(600_000);
  this.bail(true);
  let subject: MoveSubject;
  let macs: string;

  const declare = (side: "a" | "b") =>
    subject.declare({
      on: side,
      args: {
        onHostChange: "move",
        rootDisk: { image: { file: "root.raw" }, sizeGib: 0.015625 },
        volumes: [],
        interfaces: [
          { host: { $output: `${side}-back.place` }, address: "10.71.1.7" },
        ],
        sharedFolders: [
          { name: "work", hostPath: "/srv/work", mountPoint: "/work" },
        ],
      },
    });
  /** The tiny guest sets up its first interface alone. */
  const reachesBack = () =>
    subject.inGuest(
      `ip address add 10.71.1.7/24 dev eth1 && ip link set eth1 up && ping -c 1 -W 5 ${BACK.gateway} >/dev/null && echo yes`,
    );
  /** What the folder of the host says, once the guest has mounted it. */
  const where = () =>
    subject.inGuest(
      "for i in $(seq 60); do [ -f /work/where ] && break; sleep 1; done; cat /work/where",
    );
  const macsInGuest = () =>
    subject.inGuest(
      "cat /sys/class/net/eth0/address /sys/class/net/eth1/address",
    );

  before(async () => {
    subject = await MoveSubject.make({ hasBack: true });
    const root = Buffer.concat([
      Buffer.from("of the image"),
      Buffer.alloc(2 ** 23),
    ]);
    fs.writeFileSync(path.join(subject.program.folder, "root.raw"), root);
    await subject.a.exec("mkdir /srv/work; echo on-a > /srv/work/where");
  });
  after(async () => {
    await subject.remove();
  });

  it("writes to its root disk, and speaks in both networks", async () => {
    await declare("a");
    await subject.up();
    await subject.inGuest(
      "printf changed | dd of=/dev/vda conv=notrunc 2>&1; sync",
    );
    assert.equal(await reachesBack(), "yes");
    assert.equal(await where(), "on-a");
    macs = await macsInGuest();
  });

  it("is told what the other host lacks, and stays as it is", async () => {
    await declare("b");
    assert.match(
      await subject.failsToUp(),
      /shared folder work is missing: \/srv\/work is no folder there/,
    );
    assert.equal(await subject.state("a"), "active");
  });

  it("has its root disk there, both its addresses, and that host's folder", async () => {
    await subject.b.exec("mkdir /srv/work; echo on-b > /srv/work/where");
    assert.match(await subject.up(), /moved from root@/);
    assert.equal(await subject.inGuest("head -c 12 /dev/vda"), "changedimage");
    assert.equal(await macsInGuest(), macs);
    assert.equal(await reachesBack(), "yes");
    assert.equal(await where(), "on-b");
    await subject.up("--refresh", "--expect-no-changes");
  });

  it("leaves nothing on either host when it is destroyed", async () => {
    await Promise.all(
      [subject.a, subject.b].map((host) => host.exec("rm -r /srv/work")),
    );
    await subject.assertDestroyed();
  });
});
