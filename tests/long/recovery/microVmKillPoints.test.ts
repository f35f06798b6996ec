import { surviveEveryPoint } from "../../support/killHarness/everyPoint";
import { MicroVmSubject } from "../../support/killHarness/microVmSubject";

const KILL_POINTS = 65;
const SECONDS_PER_POINT = 180;

describe("corral up after a run on a host of microVMs that was cut off, at every kill point", () => {
  it("leaves nothing lost or double", async function () {
    this.timeout(KILL_POINTS * SECONDS_PER_POINT * 1000);
    await surviveEveryPoint(() => MicroVmSubject.make("mvpoints"), KILL_POINTS);
  });
});
