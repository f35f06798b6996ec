import { surviveEveryPoint } from "../../support/killHarness/everyPoint";
import { KubevirtSubject } from "../../support/killHarness/kubevirtSubject";
import { sharedKubevirt } from "../../support/kubevirtLab";

const KILL_POINTS = { cluster: 45, base: 44 };
const SECONDS_PER_POINT = 120;

describe("corral up after a run on KubeVirt that was cut off, at every kill point", () => {
  for (const of of ["cluster", "base"] as const) {
    it(`leaves nothing lost or double: ${of}`, async function () {
      this.timeout(KILL_POINTS[of] * SECONDS_PER_POINT * 1000);
      const lab = await sharedKubevirt();
      await surviveEveryPoint(
        () => KubevirtSubject.make(lab, `kubepoints${of}`, of),
        KILL_POINTS[of],
      );
    });
  }
});
