import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { pluginsOf } from "../../engine/provider/opsProgram";
import { hasEnded } from "../../support/ended";
import { becomes } from "@corral-iac/tools/lab/processes";
import { MACHINE, MoveSubject, UNIT } from "../../support/moves";

const MOVE = { onHostChange: "move" };
/** Drops everything that comes for the ssh server, as a broken network does. */
const CUT =
  "nft add table inet cut && nft add chain inet cut input '{ type filter hook input priority -300; }' && nft add rule inet cut input tcp dport 22 drop";
const MEND = "nft delete table inet cut";

describe("a move of a microVM that fails on the way", function () {
  this.timeout(600_000);
  let subject: MoveSubject;
  let sum: string;

  before(async () => {
    subject = await MoveSubject.make();
    await subject.declare({ on: "a" });
    await subject.up();
    sum = await subject.inGuest(
      "dd if=/dev/urandom of=/data/blob bs=1M count=100 2>/dev/null; sync; sha256sum </data/blob",
    );
    assert.match(sum, /^[0-9a-f]{64}/);
  });
  after(async () => {
    await subject.remove();
  });

  /** It is where it was, runs, and has its data; nothing of it is on the other host. */
  async function assertStillOnA(): Promise<void> {
    assert.ok(
      await becomes(async () => (await subject.hypervisors("a")) === 1, 60),
    );
    assert.equal(await subject.inGuestOn("a", "sha256sum </data/blob"), sum);
    assert.equal(await subject.hypervisors("b"), 0);
    assert.equal(
      await subject.a.exec(`systemctl is-enabled ${UNIT}`),
      "enabled",
    );
    await assert.rejects(subject.b.exec(`test -e /etc/systemd/system/${UNIT}`));
    assert.equal(
      await subject.b.exec(
        "find /var/lib/corral/microvm/volumes /var/lib/corral/microvm/machines -type f 2>/dev/null || true",
      ),
      "",
    );
  }
  const toB = (args: object = {}) =>
    subject.declare({ on: "b", args: { ...MOVE, ...args } });

  /** Kills the engine, and its plugins before they can go back by themselves. */
  async function killAll(engine: ChildProcess): Promise<void> {
    assert.ok(engine.pid);
    for (const pid of [...pluginsOf(engine.pid), engine.pid]) {
      process.kill(pid, "SIGKILL");
    }
    await hasEnded(engine);
    await subject.program.run("cancel", "--yes");
  }

  it("says what is missing on the new host before it stops the machine", async () => {
    await toB({ memoryMib: 1024 * 1024 });
    const pid = await subject.a.exec(`systemctl show -P MainPID ${UNIT}`);
    assert.match(
      await subject.failsToUp(),
      /cannot move from root@.*nothing was changed:\s+- root@.* MiB of memory available, and it needs 1048576/s,
    );
    assert.equal(
      await subject.a.exec(`systemctl show -P MainPID ${UNIT}`),
      pid,
    );
  });

  it("goes back where the disk of the new host is full", async () => {
    const volumes = "/var/lib/corral/microvm/volumes";
    await subject.b.exec(
      `mkdir -p ${volumes} && mount -t tmpfs -o size=8m tmpfs ${volumes}`,
    );
    try {
      await toB();
      assert.match(
        await subject.failsToUp(),
        /was not moved from root@.*No space left on device.*It runs on root@.* again, as before/s,
      );
      await assertStillOnA();
    } finally {
      await subject.b.exec(`umount ${volumes}; rmdir ${volumes}`);
    }
  });

  it("shows no missing volume to a look in between, and goes back by host alone", async () => {
    const refreshed = await subject.program.run(
      ...["refresh", "--yes", "--skip-preview"],
    );
    assert.equal(refreshed.exitCode, 0, refreshed.output);
    assert.doesNotMatch(refreshed.output, /is missing/);
    await subject.declare({ on: "a" });
    await subject.up();
    await assertStillOnA();
    await subject.assertNothingOn("b");
    await subject.up("--refresh", "--expect-no-changes");
  });

  it("goes back where the machine does not start there", async () => {
    await toB({ kernel: { path: "/etc/hosts" } });
    assert.match(
      await subject.failsToUp(),
      /was not moved from root@.*the hypervisor ends as soon as it starts.*linux kernel too old.*It runs on root@.* again, as before/s,
    );
    await assertStillOnA();
  });

  it("goes back where the new host is cut off in the middle", async () => {
    await toB();
    const failing = subject.failsToUp();
    await subject.whenCopying(CUT);
    const output = await failing;
    await subject.b.exec(MEND);
    assert.match(
      output,
      /was not moved from root@.*What was copied to root@.* is still there .*It runs on root@.* again, as before/s,
    );
    assert.equal(await subject.inGuestOn("a", "sha256sum </data/blob"), sum);
    assert.equal(await subject.hypervisors("b"), 0);
  });

  it("goes back by itself when the engine alone is killed, or the user has it stopped", async () => {
    for (const signal of ["SIGKILL", "SIGINT"] as const) {
      const { engine } = subject.program.spawnUp();
      await subject.whenCopying();
      engine.kill(signal);
      await hasEnded(engine);
      await assertStillOnA();
      await subject.program.run("cancel", "--yes");
    }
  });

  it("starts nowhere by itself when engine and plugin are killed, and is moved by the next up", async () => {
    const { engine } = subject.program.spawnUp();
    await subject.whenCopying();
    await killAll(engine);
    // Neither by hand nor by a boot.
    await subject.a.exec(`systemctl start ${UNIT} || true`);
    await subject.a.reboot();
    for (const side of ["a", "b"] as const) {
      assert.equal(await subject.hypervisors(side), 0);
    }
    const listed = await subject.program.corral("orphans", "--json");
    const { leftovers, missing } = JSON.parse(listed.stdout) as {
      leftovers: { usedBy?: string }[];
      missing: unknown[];
    };
    // What the machine has on its former host is no leftover that could go.
    assert.ok(leftovers.every(({ usedBy }) => usedBy !== undefined));
    assert.deepEqual(missing, []);
    await subject.up();
    assert.equal(await subject.inGuest("sha256sum </data/blob"), sum);
    await subject.assertNothingOn("a");
    assert.equal(await subject.hypervisors("b"), 1);
    await subject.up("--refresh", "--expect-no-changes");
  });

  it("is finished by the next up where it was started there already, with what was written since", async () => {
    await subject.declare({ on: "a", args: MOVE });
    // The moment between the start on the new host and the removal on the old one.
    const stop = subject.a.exec(
      `while ! grep -qs started /var/lib/corral/microvm/machines/${MACHINE}/arriving; do sleep 0.02; done`,
      { timeoutSeconds: 200 },
    );
    const { engine } = subject.program.spawnUp();
    await stop;
    await killAll(engine);
    await subject.inGuestOn("a", "echo since > /data/since; sync");
    await subject.up();
    assert.equal(await subject.inGuest("cat /data/since"), "since");
    assert.equal(await subject.inGuest("sha256sum </data/blob"), sum);
    await subject.assertNothingOn("b");
    assert.equal(await subject.hypervisors("a"), 1);
  });

  it("is refused with a volume that is an image of the host", async () => {
    const image = { name: "tools", image: "/srv/tools.raw" };
    const data = { name: "data", sizeGib: 0.125, mountPoint: "/data" };
    await subject.a.exec("mkdir -p /srv && truncate -s 8M /srv/tools.raw");
    await subject.declare({ on: "a", args: { volumes: [data, image] } });
    await subject.up();
    const pid = await subject.a.exec(`systemctl show -P MainPID ${UNIT}`);
    await toB({ volumes: [data, image] });
    const { exitCode, output } = await subject.program.run("preview");
    assert.notEqual(exitCode, 0);
    assert.match(
      output,
      /its volume tools is the image \/srv\/tools.raw of that host, .* cannot be moved/,
    );
    assert.equal(
      await subject.a.exec(`systemctl show -P MainPID ${UNIT}`),
      pid,
    );
  });
});
