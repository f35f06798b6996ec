import assert from "node:assert/strict";
import * as fc from "fast-check";
import {
  SESSION_LABEL,
  SET_ANNOTATION,
} from "@corral-iac/corral/core/kubevirt/labels";
import {
  judgeSnapshot,
  snapshotsOfSession,
  readContent,
  sessionMachines,
} from "@corral-iac/corral/core/kubevirt/snapshots";
import { contentObject, sessionMachine, snapshotObject } from "./objects";

const PLACE = { namespace: "vm-templates", name: "base" };
const judge = (snapshot: unknown) =>
  judgeSnapshot("control-plane", PLACE, snapshot);

describe("KubeVirt: a snapshot", () => {
  it("is ready when readyToUse is true", () => {
    const { state, createdAt, contentName } = judge(snapshotObject());
    assert.equal(state, "ready");
    assert.equal(createdAt, "2026-01-01T10:00:00Z");
    assert.match(contentName, /^vmsnapshot-content-/);
  });

  it("is not ready when only its phase says Succeeded", () => {
    const { state, why } = judge(snapshotObject({ ready: false }));
    assert.equal(state, "unready");
    assert.match(why, /not ready to use \(phase Succeeded\)/);
  });

  it("has failed with the API's own words", () => {
    const { state, why } = judge(
      snapshotObject({
        ready: false,
        phase: "Failed",
        error: "snapshot deadline exceeded",
      }),
    );
    assert.equal(state, "failed");
    assert.equal(why, "has failed: snapshot deadline exceeded");
  });

  it("is missing when there is none, or it is being deleted", () => {
    assert.equal(judge(undefined).state, "missing");
    const snapshot = snapshotObject();
    const going = {
      ...snapshot,
      metadata: { ...snapshot.metadata, deletionTimestamp: "now" },
    };
    assert.equal(judge(going).why, "is being deleted");
  });

  it("is never taken for ready unless it says so, whatever else it says", () => {
    const status = fc.record(
      {
        readyToUse: fc.oneof(
          fc.constant(false),
          fc.constant(null),
          fc.constant("true"),
          fc.constant(1),
        ),
        phase: fc.constantFrom("InProgress", "Succeeded", "Failed", "Unknown"),
        creationTime: fc.string(),
        conditions: fc.array(fc.anything()),
        virtualMachineSnapshotContentName: fc.string(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.option(status), (given) => {
        assert.notEqual(judge({ status: given }).state, "ready");
      }),
    );
  });
});

describe("KubeVirt: the snapshots of a session", () => {
  const machines = sessionMachines(
    [
      sessionMachine("s1", "control-plane", "any-name"),
      sessionMachine("s2", "control-plane", "other"),
      {
        metadata: {
          namespace: "ns-s1",
          name: "cks-worker-node-user-session-76c3ac1b",
          labels: { [SESSION_LABEL]: "s1" },
        },
      },
    ],
    "s1",
  );

  it("are of machines that carry its label; their role is told by label, else by name", () => {
    assert.deepEqual(
      machines.map(({ role, name }) => [role, name]),
      [
        ["control-plane", "any-name"],
        ["worker", "cks-worker-node-user-session-76c3ac1b"],
      ],
    );
  });

  it("gives the newest that is ready, and passes over newer ones that are not", () => {
    const of = (name: string, createdAt: string, ready: boolean) =>
      snapshotObject({
        namespace: "ns-s1",
        source: "any-name",
        name,
        createdAt,
        ready,
      });
    const found = snapshotsOfSession("control-plane", "s1", machines, [
      of("old", "2026-01-01T00:00:00Z", true),
      of("newest", "2026-03-01T00:00:00Z", false),
      of("newer", "2026-02-01T00:00:00Z", true),
    ]);
    assert.deepEqual(
      found.map(({ name, namespace }) => [name, namespace]),
      [
        ["newer", "ns-s1"],
        ["old", "ns-s1"],
      ],
    );
  });

  it("takes none of a machine of the same name elsewhere", () => {
    const elsewhere = snapshotObject({ namespace: "x", source: "any-name" });
    const [found] = snapshotsOfSession("control-plane", "s1", machines, [
      elsewhere,
    ]);
    assert.equal(found?.state, "missing");
    assert.match(found.why, /the machine has none/);
  });

  it("takes labelled snapshots whose machine is gone", () => {
    const left = snapshotObject({
      source: "cks-worker-node-gone",
      labels: { [SESSION_LABEL]: "s9" },
    });
    const [found] = snapshotsOfSession("worker", "s9", [], [left]);
    assert.equal(found?.state, "ready");
  });

  it("depends on no order", () => {
    const one = fc.record({
      name: fc.stringMatching(/^[a-z]{1,4}$/),
      createdAt: fc
        .date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true })
        .map((date) => date.toISOString()),
      ready: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc
          .uniqueArray(one, { selector: ({ name }) => name })
          .chain((all) =>
            fc.tuple(
              fc.constant(all),
              fc.shuffledSubarray(all, { minLength: all.length }),
            ),
          ),
        ([all, shuffled]) => {
          const newest = (list: typeof all) =>
            snapshotsOfSession(
              "control-plane",
              "s1",
              machines,
              list.map((words) =>
                snapshotObject({
                  ...words,
                  namespace: "ns-s1",
                  source: "any-name",
                }),
              ),
            );
          const found = newest(all);
          assert.deepEqual(newest(shuffled), found);
          const [first] = found;
          assert.ok(first);
          const ready = all.filter((words) => words.ready);
          assert.equal(first.state === "ready", ready.length > 0);
          assert.equal(found.length, Math.max(ready.length, 1));
          assert.ok(
            ready.every(({ createdAt }) => createdAt <= first.createdAt),
          );
        },
      ),
    );
  });
});

describe("KubeVirt: the content of a snapshot", () => {
  it("has the root disk first, and the version inside", () => {
    const { disks, kubernetesVersion, clusterSet } = readContent(
      contentObject([
        ["data", "5Gi"],
        ["root", "20Gi"],
      ]),
      { metadata: { annotations: { [SET_ANNOTATION]: "a" } } },
    );
    assert.deepEqual(
      disks.map(({ volume, sizeBytes }) => [volume, sizeBytes]),
      [
        ["root", 20 * 2 ** 30],
        ["data", 5 * 2 ** 30],
      ],
    );
    assert.equal(kubernetesVersion, "1.34.3");
    assert.equal(clusterSet, "a");
  });

  it("says why there is nothing to clone", () => {
    assert.throws(() => readContent(contentObject([]), {}), /container disk/);
    const bare = {
      spec: { volumeBackups: [{ volumeName: "root" }] },
    };
    assert.throws(() => readContent(bare, {}), /VolumeSnapshotClass/);
  });
});
