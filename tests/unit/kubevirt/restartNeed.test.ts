import assert from "node:assert/strict";
import { restartNeed } from "@corral-iac/corral/core/kubevirt/restartNeed";

const domain = (sockets: number, guest: string) => ({
  cpu: { sockets, cores: 1, threads: 1 },
  memory: { guest },
});
const machine = (size: object, ...conditions: string[]) => ({
  spec: { template: { spec: { domain: size } } },
  status: {
    desiredGeneration: 2,
    observedGeneration: 2,
    conditions: conditions.map((type) => ({ type, status: "True" })),
  },
});
const instance = (
  size: object,
  status: object = {},
  conditions: Record<string, string> = {},
) => ({
  spec: { domain: size },
  status: {
    ...status,
    conditions: Object.entries(conditions).map(([type, one]) => ({
      type,
      status: one,
    })),
  },
});
const SMALL = domain(1, "1Gi");
const LARGE = domain(2, "2Gi");

describe("what a changed machine needs", () => {
  it("nothing when it is as declared, or off", () => {
    assert.equal(restartNeed(machine(SMALL), instance(SMALL)), "nothing");
    assert.equal(
      restartNeed(machine(domain(1, "1024Mi")), instance(SMALL)),
      "nothing",
    );
    assert.equal(restartNeed(machine(LARGE), undefined), "nothing");
  });

  it("patience until KubeVirt has seen it", () => {
    const unseen = machine(LARGE);
    unseen.status.desiredGeneration = 3;
    assert.equal(restartNeed(unseen, instance(SMALL)), "unseen");
  });

  it("a restart where KubeVirt says so, or left the instance as it was", () => {
    assert.equal(
      restartNeed(machine(SMALL, "RestartRequired"), instance(SMALL)),
      "restart",
    );
    assert.equal(
      restartNeed(machine(domain(1, "2Gi")), instance(SMALL)),
      "restart",
    );
    assert.equal(
      restartNeed(machine(domain(2, "1Gi")), instance(SMALL)),
      "restart",
    );
  });

  it("a wait while KubeVirt changes it live", () => {
    const migratable = { LiveMigratable: "True" };
    assert.equal(
      restartNeed(
        machine(LARGE),
        instance(LARGE, {}, { ...migratable, HotVCPUChange: "True" }),
      ),
      "live",
    );
    // The size is given, and nobody has begun.
    assert.equal(
      restartNeed(
        machine(LARGE),
        instance(LARGE, { memory: { guestRequested: "1Gi" } }, migratable),
      ),
      "live",
    );
    assert.equal(
      restartNeed(
        machine(LARGE),
        instance(LARGE, { currentCPUTopology: { sockets: 1 } }, migratable),
      ),
      "live",
    );
    assert.equal(
      restartNeed(
        machine(LARGE),
        instance(
          LARGE,
          {
            currentCPUTopology: { sockets: 2 },
            memory: { guestRequested: "2Gi", guestCurrent: "1Gi" },
          },
          { ...migratable, HotMemoryChange: "False" },
        ),
      ),
      "nothing",
    );
  });

  it("a restart where it would be changed live and cannot move", () => {
    assert.equal(
      restartNeed(
        machine(LARGE),
        instance(LARGE, {}, { LiveMigratable: "False", HotVCPUChange: "True" }),
      ),
      "restart",
    );
  });
});
