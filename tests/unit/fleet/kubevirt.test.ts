import assert from "node:assert/strict";
import { validateFleet } from "@corral-iac/corral/fleet/check";
import { makeKubevirt } from "@corral-iac/corral/fleet/kubevirt";
import type { Fleet } from "@corral-iac/corral/fleet/types";
import { byName, recordResources } from "../shared/mockedEngine";
import { known, mockEngine } from "../shared/outputs";

const image = { containerDisk: "quay.io/containerdisks/debian:12" };
const gold = { kubevirt: "east", image, generation: 2 };
const student = { kubevirt: "east", image, workers: 2 };
const fleet = (more: object = {}): Record<string, unknown> => ({
  kubevirts: { east: { kubeconfig: { fromConfig: "eastKubeconfig" } } },
  kubevirtBaseSnapshots: { gold },
  kubevirtClusters: { student: { ...student, baseSnapshots: "gold" } },
  ...more,
});

describe("clusters of a fleet", () => {
  after(() => mockEngine());

  it("are right as they are documented, without hypervisors and machines", () => {
    assert.deepEqual(validateFleet(fleet()), []);
  });

  it("are on a cluster of the fleet, and made from base snapshots there", () => {
    const faults = validateFleet(
      fleet({
        kubevirts: { east: {}, west: {} },
        kubevirtClusters: {
          lost: { ...student, kubevirt: "north" },
          far: { ...student, kubevirt: "west", baseSnapshots: "gold" },
          none: { ...student, baseSnapshots: "silver" },
          two: { ...student, baseSnapshots: "gold", fromSession: "s1" },
        },
      }),
    );
    assert.deepEqual(
      faults.map(({ path, problem }) => `${path} ${problem}`),
      [
        'kubevirtClusters.lost.kubevirt is "north", must be one of this fleet: east, west',
        "kubevirtClusters.far.baseSnapshots is on another of kubevirts",
        'kubevirtClusters.none.baseSnapshots is "silver", must be one of this fleet: gold',
        "kubevirtClusters.two.fromSession is given beside baseSnapshots, must be one of both",
      ],
    );
  });

  it("tell each fault of their arguments, with its path", () => {
    const faults = validateFleet(
      fleet({
        kubevirtBaseSnapshots: { gold: { kubevirt: "east" } },
        kubevirtClusters: {
          student: { ...student, workers: 999, kubernetes: { version: "1" } },
          Bad_Name: student,
        },
      }),
    );
    assert.deepEqual(faults.map(({ path }) => path).sort(), [
      "kubevirtBaseSnapshots.gold.image",
      "kubevirtClusters.Bad_Name",
      "kubevirtClusters.Bad_Name.name",
      "kubevirtClusters.student.kubernetes.version",
      "kubevirtClusters.student.workers",
    ]);
  });

  it("show no kubeconfig in a fault", () => {
    const faults = validateFleet(
      fleet({ kubevirts: { east: { kubeconfig: ["planted"] } } }),
    );
    assert.ok(faults.length > 0);
    assert.doesNotMatch(JSON.stringify(faults), /planted/);
  });

  it("are made, and find the base snapshots by name whatever their generation", async () => {
    const made = recordResources();
    const { clusters, baseSnapshots } = makeKubevirt(
      fleet({ kubevirts: { east: { context: "east" } } }) as Fleet,
    );
    assert.equal(await known(clusters.student?.strategy as never), "bootstrap");
    await known(baseSnapshots.gold?.snapshots as never);
    const { inputs } = byName(made, "student-decision");
    assert.deepEqual(inputs.wanted, {
      namespace: "vm-templates",
      controlPlane: "cks-control-plane-base-snapshot",
      worker: "cks-worker-base-snapshot",
    });
    assert.equal(inputs.context, "east");
  });
});
