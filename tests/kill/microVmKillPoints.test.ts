import assert from "node:assert/strict";
import { MicroVmSubject } from "../support/killHarness/microVmSubject";

/** One for each kind of fault and of thing on the host. All points: tests/long. */
const CHOSEN = [
  "engine killed at the start of web-service",
  "engine killed inside MicroVmService, after useradd *",
  "provider killed inside MicroVmImage, before dd of=*/partial-*",
  "host without power inside MicroVmAddress, before mv */leases/*",
  "host without power inside MicroVmVolume, before mv *.raw.partial *",
];

const STACK = "mvcutoff";

describe("corral up after a run on a host of microVMs that was cut off", function () {
  this.timeout(180_000);
  let subject: MicroVmSubject | undefined;

  before(async () => {
    subject = await MicroVmSubject.make(STACK);
  });

  after(async () => {
    await subject?.abandon();
  });

  for (const title of CHOSEN) {
    it(`leaves nothing lost or double: ${title}`, async () => {
      // A failed one takes its stack along: what it left shall not fail the next one.
      const current = (subject ??= await MicroVmSubject.make(STACK));
      const point = current.points.find((each) => each.title === title);
      assert.ok(point, "the stack under test has no such point");
      try {
        await current.survive(point);
      } catch (error) {
        subject = undefined;
        await current.abandon();
        throw error;
      }
    });
  }
});
