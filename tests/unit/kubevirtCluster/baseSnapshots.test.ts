import * as assert from "node:assert/strict";
import { field } from "@corral-iac/corral/core/argumentRules";
import type { KubevirtBaseSnapshotsArgs } from "@corral-iac/corral/kubevirt/baseArgs";
import { KubevirtBaseSnapshots } from "@corral-iac/corral/kubevirt/kubevirtBaseSnapshots";
import {
  byName,
  plain,
  recordResources,
  settled,
} from "../shared/mockedEngine";
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
    const vms = made.filter(({ type }) =>
      type.endsWith(":KubevirtBaseMachine"),
    );
    assert.deepEqual(
      vms.map(({ inputs }) => [inputs.machine, inputs.snapshot]).sort(),
      [
        ["cks-control-plane-base", "cks-control-plane-base-snapshot"],
        ["cks-worker-node-base", "cks-worker-base-snapshot"],
      ],
    );
    assert.ok(
      vms.every(
        ({ inputs }) =>
          field(JSON.parse(String(inputs.spec)), "runStrategy") ===
          "RerunOnFailure",
      ),
    );
    const { inputs } = byName(made, "gold-snapshots");
    assert.equal(inputs.removeMachines, false);
    assert.equal(inputs.stop, true);
    assert.equal((plain(inputs.clean) as unknown[]).length, 2);
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

  it("has its machines removed when they are not to stay", async () => {
    const { inputs } = byName(
      await make({ ...MINIMAL, keepMachines: false }),
      "gold-snapshots",
    );
    assert.equal(inputs.removeMachines, true);
  });

  it("snapshots the running machines of a session, and touches nothing else of them", async () => {
    const made = await make({
      fromSession: "user-session-76c3ac1b",
      namespace: "student",
    });
    assert.deepEqual(made.map(({ name }) => name).sort(), [
      "gold",
      "gold-snapshots",
      "gold-stamp",
    ]);
    const { inputs } = byName(made, "gold-snapshots");
    assert.deepEqual(
      (inputs.orders as Record<string, string>[]).map(({ machine, name }) => [
        machine,
        name,
      ]),
      [
        [
          "cks-control-plane-user-session-76c3ac1b",
          "cks-control-plane-user-session-76c3ac1b-snapshot",
        ],
        [
          "cks-worker-node-user-session-76c3ac1b",
          "cks-worker-user-session-76c3ac1b-snapshot",
        ],
      ],
    );
    assert.deepEqual(
      [inputs.stop, inputs.clean, inputs.removeMachines],
      [false, [], false],
    );
  });

  it("tells what does not go with a session, and what is missing", () => {
    recordResources();
    const wrong = (args: KubevirtBaseSnapshotsArgs, words: RegExp) =>
      assert.throws(() => new KubevirtBaseSnapshots("gold", args), words);
    wrong({}, /image is missing/);
    wrong({ fromSession: "s1" }, /namespace is missing/);
    wrong(
      { ...MINIMAL, fromSession: "s1", namespace: "n", keepMachines: false },
      /image is given beside fromSession[^]*keepMachines is given beside fromSession/,
    );
    wrong({ fromSession: "S 1", namespace: "n" }, /fromSession is "S 1"/);
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
      /5 faults/,
    );
  });
});
