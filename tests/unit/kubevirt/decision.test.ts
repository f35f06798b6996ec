import assert from "node:assert/strict";
import * as fc from "fast-check";
import {
  choose,
  decide,
  type FoundSnapshot,
  NoSnapshotError,
} from "@corral-iac/corral/core/kubevirt/decision";
import type { NodeRole } from "@corral-iac/corral/core/kubevirt/labels";
import type { SnapshotState } from "@corral-iac/corral/core/kubevirt/snapshots";

const found = (
  role: NodeRole,
  state: SnapshotState = "ready",
  content = { version: "1.34.3", set: "" },
): FoundSnapshot => ({
  role,
  state,
  namespace: "vm-templates",
  name: `cks-${role}-base-snapshot`,
  why: `is ${state}`,
  createdAt: "",
  contentName: "",
  ...(state === "ready"
    ? {
        content: {
          disks: [{ volume: "root", volumeSnapshot: "v", sizeBytes: 1 }],
          kubernetesVersion: content.version,
          clusterSet: content.set,
        },
      }
    : {}),
});

describe("KubeVirt: the choice among several snapshots", () => {
  const of = (role: NodeRole, set: string) =>
    found(role, "ready", { version: "1.34.3", set });
  const sets = (chosen: readonly FoundSnapshot[]) =>
    chosen.map(({ content }) => content?.clusterSet);

  it("is the best ones that belong together, while newer ones are being taken", () => {
    const worker = of("worker", "g2");
    const chosen = choose([
      [of("control-plane", "g3"), of("control-plane", "g2")],
      [worker],
    ]);
    assert.deepEqual(sets(chosen), ["g2", "g2"]);
    assert.equal(chosen[1], worker);
  });

  it("is the best of each when none belong together, so that it can be said", () => {
    const chosen = choose([
      [of("control-plane", "g3"), of("control-plane", "g2")],
      [of("worker", "g1")],
    ]);
    assert.deepEqual(sets(chosen), ["g3", "g1"]);
    assert.match(decide("auto", { found: chosen }).why, /do not belong/);
    const broken = choose([
      [found("control-plane", "failed")],
      [of("worker", "g1")],
    ]);
    assert.deepEqual(
      broken.map(({ state }) => state),
      ["failed", "ready"],
    );
  });
});

describe("KubeVirt: the decision", () => {
  it("is for snapshots when both are ready", () => {
    const decision = decide("auto", {
      found: [found("control-plane"), found("worker")],
    });
    assert.equal(decision.strategy, "snapshot");
    assert.equal(
      decision.why,
      "vm-templates/cks-control-plane-base-snapshot and vm-templates/cks-worker-base-snapshot are ready to use",
    );
  });

  it("is for bootstrap when one is not, and names each that is not", () => {
    const { strategy, why } = decide("auto", {
      found: [found("control-plane", "unready"), found("worker", "missing")],
    });
    assert.equal(strategy, "bootstrap");
    assert.match(why, /control plane's snapshot .* is unready; the worker's/);
  });

  it("fails when snapshots are demanded, with all that is in the way", () => {
    assert.throws(
      () =>
        decide("snapshot", {
          found: [found("control-plane", "failed"), found("worker", "missing")],
        }),
      (error: Error) =>
        error instanceof NoSnapshotError &&
        /is failed; .* is missing/.test(error.message) &&
        /KubevirtBaseSnapshots/.test(error.message),
    );
  });

  it("is for bootstrap where there can be no snapshots", () => {
    const decision = decide("auto", { impossible: "no CRD", found: [] });
    assert.deepEqual(decision, { strategy: "bootstrap", why: "no CRD" });
  });

  it("takes no pair that does not belong together", () => {
    const pair = (one: object, other: object) =>
      decide("auto", {
        found: [
          found("control-plane", "ready", { version: "", set: "", ...one }),
          found("worker", "ready", { version: "", set: "", ...other }),
        ],
      });
    const versions = pair({ version: "1.34.3" }, { version: "1.33.0" });
    assert.equal(versions.strategy, "bootstrap");
    assert.match(versions.why, /Kubernetes version 1.34.3 .* 1.33.0/);
    assert.equal(pair({ set: "a" }, { set: "b" }).strategy, "bootstrap");
    assert.equal(pair({ set: "a" }, {}).strategy, "snapshot");
  });

  it("needs no worker's snapshot for a cluster without workers", () => {
    const decision = decide("auto", { found: [found("control-plane")] });
    assert.equal(decision.strategy, "snapshot");
  });

  it("is for snapshots exactly when every one is ready", () => {
    const state = fc.constantFrom<SnapshotState[]>(
      "ready",
      "unready",
      "failed",
      "missing",
    );
    fc.assert(
      fc.property(state, state, (one, other) => {
        const sight = {
          found: [found("control-plane", one), found("worker", other)],
        };
        const isReady = one === "ready" && other === "ready";
        assert.equal(decide("auto", sight).strategy === "snapshot", isReady);
        if (!isReady) {
          assert.throws(() => decide("snapshot", sight), NoSnapshotError);
        }
      }),
    );
  });
});
