import assert from "node:assert/strict";
import { KubevirtSubject } from "../../support/killHarness/kubevirtSubject";
import { sharedKubevirt } from "../../support/kubevirtLab";

/** The kinds of accidents. All points: tests/long. */
const CHOSEN = [
  /^engine killed in POST .*\/datavolumes$/,
  /^provider killed in .*\/namespaces/,
];

describe("corral up after a run on KubeVirt that was cut off", function () {
  this.timeout(300_000);
  let subject: KubevirtSubject | undefined;
  const make = async () =>
    KubevirtSubject.make(await sharedKubevirt(), "kubekilled", "cluster");

  before(async function () {
    this.timeout(1_800_000);
    subject = await make();
  });
  after(() => subject?.abandon());

  for (const title of CHOSEN) {
    it(`leaves nothing lost or double: ${title.source}`, async () => {
      // A failed one takes its stack along: what it left shall not fail the next one.
      const current = (subject ??= await make());
      const point = current.points.find((one) => title.test(one.title));
      assert.ok(point, current.points.map((one) => one.title).join("\n"));
      try {
        const seconds = await current.survive(point);
        console.log(`      ${point.title}: recovered in ${seconds} s`);
      } catch (error) {
        subject = undefined;
        await current.abandon();
        throw error;
      }
    });
  }
});
