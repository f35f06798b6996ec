import * as assert from "node:assert/strict";
import { field } from "@corral-iac/corral/core/argumentRules";
import type { KubevirtBaseSnapshotsArgs } from "@corral-iac/corral/kubevirt/baseArgs";
import { KubevirtBaseSnapshots } from "@corral-iac/corral/kubevirt/kubevirtBaseSnapshots";
import { byName, recordResources, settled } from "../shared/mockedEngine";
import { mockEngine } from "../shared/outputs";

const MINIMAL: KubevirtBaseSnapshotsArgs = {
  image: { url: "https://example.org/debian.qcow2" },
};

async function make(args: KubevirtBaseSnapshotsArgs = MINIMAL) {
  const made = recordResources();
  await settled(new KubevirtBaseSnapshots("gold", args));
  return made;
}

describe("KubevirtBaseSnapshots", () => {
  after(() => mockEngine());

  it("makes a base cluster by bootstrap, and snapshots of both its machines", async () => {
    const made = await make();
    assert.equal(
      field(byName(made, "gold-namespace").inputs, "metadata", "name"),
      "vm-templates",
    );
    const vms = made.filter(({ type }) => type.endsWith(":VirtualMachine"));
    assert.deepEqual(
      vms.map(({ inputs }) => field(inputs, "metadata", "name")).sort(),
      ["cks-control-plane-base", "cks-worker-node-base"],
    );
    assert.ok(
      vms.every(
        ({ inputs }) =>
          field(inputs, "spec", "runStrategy") === "RerunOnFailure",
      ),
    );
    const { inputs } = byName(made, "gold-snapshots");
    assert.deepEqual(inputs.orders, [
      {
        machine: "cks-control-plane-base",
        role: "control-plane",
        name: "cks-control-plane-base-snapshot",
        standsFor: "cks-control-plane-base-snapshot",
      },
      {
        machine: "cks-worker-node-base",
        role: "worker",
        name: "cks-worker-base-snapshot",
        standsFor: "cks-worker-base-snapshot",
      },
    ]);
  });

  it("names snapshots of a later generation otherwise, under the same name to look for", async () => {
    const { inputs } = byName(
      await make({ ...MINIMAL, generation: 2 }),
      "gold-snapshots",
    );
    const [order] = inputs.orders as Record<string, string>[];
    assert.equal(order?.name, "cks-control-plane-base-snapshot-g2");
    assert.equal(order?.standsFor, "cks-control-plane-base-snapshot");
  });

  it("makes no namespace where there is one", async () => {
    const made = await make({
      ...MINIMAL,
      namespace: "gold",
      createNamespace: false,
    });
    assert.ok(!made.some(({ type }) => type.endsWith(":Namespace")));
  });

  it("tells wrong arguments before anything is made", () => {
    recordResources();
    assert.throws(
      () =>
        new KubevirtBaseSnapshots("gold", {
          ...MINIMAL,
          namespace: "A",
          workerSnapshot: "",
          generation: 0,
        }),
      /4 faults|3 faults/,
    );
  });
});
