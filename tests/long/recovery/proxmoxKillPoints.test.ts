import { surviveEveryPoint } from "../../support/killHarness/everyPoint";
import { ProxmoxSubject } from "../../support/killHarness/proxmoxSubject";

const KILL_POINTS = 30;
const SECONDS_PER_POINT = 120;

describe("corral up after a run on Proxmox VE that was cut off, at every kill point", () => {
  it("leaves nothing lost or double", async function () {
    this.timeout(KILL_POINTS * SECONDS_PER_POINT * 1000);
    await surviveEveryPoint(
      () => ProxmoxSubject.make("pvepoints"),
      KILL_POINTS,
    );
  });
});
