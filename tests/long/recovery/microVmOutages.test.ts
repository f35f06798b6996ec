import assert from "node:assert/strict";
import type { EngineRun } from "../../support/killHarness/engineRun";
import type { HostMoment } from "../../support/killHarness/hostHold";
import { MicroVmSubject } from "../../support/killHarness/microVmSubject";
import { cutSsh, mendSsh } from "../../support/killHarness/sshCut";

const PLUGIN = /^node pulumi-resource-corral-ops$/;

const UPLOAD: HostMoment = { when: "before", command: "dd of=*/partial-*" };
const FORMAT: HostMoment = { when: "before", command: "mkfs.ext4 *" };
const LEASE: HostMoment = { when: "before", command: "mv */leases/*" };
const STARTED: HostMoment = {
  when: "after",
  command: "systemctl start *-web.service",
};

/** A connection that is gone is noticed after three unanswered questions, 10 s apart. */
const NOTICED_SECONDS = 60;

describe("an up on a host of microVMs that goes away in the middle", function () {
  this.timeout(300_000);
  let subject: MicroVmSubject;
  let run: EngineRun | undefined;

  before(async () => {
    subject = await MicroVmSubject.make("mvoutage");
  });
  afterEach(async () => {
    await mendSsh(subject.host);
    await subject.hold.release();
    await run?.endAll();
  });
  after(async () => {
    await subject.abandon();
  });

  /** An `up` that stands still at a moment of its work on the host. */
  const heldAt = async (moment: HostMoment): Promise<EngineRun> => {
    const held = (run = await subject.start({ moment }));
    assert.ok(await subject.hold.reached(90), held.output);
    return held;
  };
  const endsWithin = async (struck: EngineRun, seconds: number) => {
    const { hung, seconds: took } = await struck.ended(seconds);
    assert.ok(!hung, `it had not ended after ${took} s\n${struck.output}`);
  };
  const nextUpContinues = async (struck: EngineRun) => {
    await subject.recover(struck);
    await subject.assertDestroys();
  };

  it("says so within seconds when the host cannot be reached from the start", async () => {
    await cutSsh(subject.host);
    const struck = (run = await subject.start({}));
    await endsWithin(struck, NOTICED_SECONDS);
    assert.match(
      struck.output,
      /looking at the host failed on root@[\d.]+:22: no answer within 10 s/,
    );
    await mendSsh(subject.host);
    await nextUpContinues(struck);
  });

  for (const [what, moment] of [
    ["an image is brought there", UPLOAD],
    ["a volume is formatted", FORMAT],
    ["the machine has been started", STARTED],
  ] as const) {
    it(`says so within a minute when the connection is gone for good while ${what}, and the next up goes on`, async () => {
      const struck = await heldAt(moment);
      await cutSsh(subject.host);
      await endsWithin(struck, NOTICED_SECONDS + 30);
      assert.match(struck.output, /the connection was lost/);
      // What was begun there still stands: nobody has told the host that the connection is gone.
      await mendSsh(subject.host);
      await nextUpContinues(struck);
    });
  }

  it("goes on at the next up when the host was restarted in the middle", async () => {
    const struck = await heldAt(STARTED);
    await subject.host.reboot();
    await endsWithin(struck, NOTICED_SECONDS);
    await nextUpContinues(struck);
  });

  for (const [what, moment] of [
    ["a lease, with the network's lock", LEASE],
    ["a volume that is half made", FORMAT],
    ["an image that is half there", UPLOAD],
  ] as const) {
    it(`goes on at the next up while a killed run is still at work there: ${what}`, async () => {
      const struck = await heldAt(moment);
      struck.killPlugins(PLUGIN);
      await endsWithin(struck, NOTICED_SECONDS);
      await nextUpContinues(struck);
    });
  }

  it("goes on at a plain pulumi up of another operator, too", async () => {
    const struck = await heldAt(FORMAT);
    struck.killPlugins(PLUGIN);
    await endsWithin(struck, NOTICED_SECONDS);
    const { exitCode, output } = await subject.stack.up();
    assert.equal(exitCode, 0, output);
    await subject.assertWhole();
    await subject.assertDestroys();
  });
});
