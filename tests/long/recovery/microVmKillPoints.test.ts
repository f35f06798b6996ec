import assert from "node:assert/strict";
import { messageOf } from "@corral-iac/corral/core/errors";
import { MicroVmSubject } from "../../support/killHarness/microVmSubject";

/** How many there are for the machine under test: a step or call that gets lost shall be noticed. */
const KILL_POINTS = 65;

const SECONDS_PER_POINT = 180;

/**
 * Every kill point there is. CORRAL_KILL_POINTS takes a part of them, as a regular expression on
 * their titles: `CORRAL_KILL_POINTS='provider killed' npm run test:long`.
 */
const wanted = new RegExp(process.env.CORRAL_KILL_POINTS ?? "");

const STACK = "mvpoints";

describe("corral up after a run on a host of microVMs that was cut off, at every kill point", () => {
  it("leaves nothing lost or double", async function () {
    this.timeout(KILL_POINTS * SECONDS_PER_POINT * 1000);
    let subject = await MicroVmSubject.make(STACK);
    const failures: string[] = [];
    try {
      const all = subject.points;
      assert.equal(all.length, KILL_POINTS, all.map((p) => p.title).join("\n"));
      const points = all.filter(({ title }) => wanted.test(title));
      console.log(`    ${points.length} of ${all.length} kill points`);
      for (const point of points) {
        try {
          const seconds = await subject.survive(point);
          console.log(`      ${point.title}: recovered in ${seconds} s`);
        } catch (error) {
          const text = `${point.title}: ${messageOf(error)}`;
          console.log(`      FAILED ${text}`);
          failures.push(text);
          // What it left shall not fail the next one.
          await subject.abandon();
          subject = await MicroVmSubject.make(STACK);
        }
      }
    } finally {
      await subject.abandon();
    }
    assert.deepEqual(failures, []);
  });
});
