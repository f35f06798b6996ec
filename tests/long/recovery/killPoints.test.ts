import assert from "node:assert/strict";
import { messageOf } from "@corral-iac/corral/core/errors";
import {
  type Fault,
  FAULTS,
  killPoints,
  titleOf,
} from "../../support/killHarness/killPoint";
import {
  type PointResult,
  surviveKillPoint,
} from "../../support/killHarness/recovery";
import { lineOf, tableOf } from "../../support/killHarness/report";
import { stepsOf } from "../../support/killHarness/steps";
import { Subject } from "../../support/killHarness/subject";
import { needsPrivateLibvirt } from "../../support/privateLibvirt";

/** How many there are for the stack under test: a step that gets lost shall be noticed. */
const KILL_POINTS: Readonly<Record<Fault, number>> = {
  "engine killed": 42,
  "provider killed": 35,
  "bridge killed": 14,
  "daemon restarted": 42,
  "disk full": 42,
  "daemon gone": 42,
};

/** A point takes about 20 s, and 20 s more while the daemon is gone. */
const SECONDS_PER_POINT = 120;

/**
 * Every kill point there is. CORRAL_KILL_POINTS takes a part of them, as a regular expression on
 * their titles: `CORRAL_KILL_POINTS='engine killed inside' npm run test:long`.
 */
const wanted = new RegExp(process.env.CORRAL_KILL_POINTS ?? "");

describe("corral up after a run that was cut off, at every kill point", () => {
  const results: PointResult[] = [];

  before(needsPrivateLibvirt);

  after(() => console.log(tableOf(results)));

  for (const fault of FAULTS) {
    it(`leaves nothing lost or double: ${fault}`, async function () {
      this.timeout(KILL_POINTS[fault] * SECONDS_PER_POINT * 1000);
      let subject = await Subject.make("killed");
      const failures: string[] = [];
      try {
        const steps = await stepsOf(subject.stack);
        const all = killPoints(fault, steps, subject.prefix);
        assert.equal(all.length, KILL_POINTS[fault], "number of kill points");
        const points = all.filter((point) => wanted.test(titleOf(point)));
        console.log(
          `    ${fault}: ${points.length} of ${all.length} kill points`,
        );
        for (const point of points) {
          try {
            const result = await surviveKillPoint(point, subject);
            results.push(result);
            console.log(`      ${lineOf(result)}`);
          } catch (error) {
            const text = `${titleOf(point)}: ${messageOf(error)}`;
            console.log(`      FAILED ${text}`);
            failures.push(text);
            // What it left shall not fail the next one.
            await subject.abandon();
            subject = await Subject.make("killed");
          }
        }
      } finally {
        await subject.abandon();
      }
      assert.deepEqual(failures, []);
    });
  }
});
