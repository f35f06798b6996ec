import assert from "node:assert/strict";
import { messageOf } from "@corral-iac/corral/core/errors";
import { KubevirtSubject } from "../../support/killHarness/kubevirtSubject";
import { sharedKubevirt } from "../../support/kubevirtLab";

/** How many there are: a step or call that gets lost shall be noticed. */
const KILL_POINTS = { cluster: 45, base: 44 };

const SECONDS_PER_POINT = 120;

/**
 * Every kill point there is. CORRAL_KILL_POINTS takes a part of them, as a regular expression on
 * their titles: `CORRAL_KILL_POINTS='provider killed' npm run test:long`.
 */
const wanted = new RegExp(process.env.CORRAL_KILL_POINTS ?? "");

describe("corral up after a run on KubeVirt that was cut off, at every kill point", () => {
  for (const of of ["cluster", "base"] as const) {
    it(`leaves nothing lost or double: ${of}`, async function () {
      this.timeout(KILL_POINTS[of] * SECONDS_PER_POINT * 1000 + 1_800_000);
      const lab = await sharedKubevirt();
      const make = () => KubevirtSubject.make(lab, `kubepoints${of}`, of);
      assert.deepEqual(await survivePoints(make, KILL_POINTS[of]), []);
    });
  }
});

/** @returns what went wrong. */
async function survivePoints(
  make: () => Promise<KubevirtSubject>,
  count: number,
): Promise<string[]> {
  let subject = await make();
  const failures: string[] = [];
  try {
    const all = subject.points;
    assert.equal(all.length, count, all.map((p) => p.title).join("\n"));
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
        subject = await make();
      }
    }
  } finally {
    await subject.abandon();
  }
  return failures;
}
