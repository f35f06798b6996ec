import assert from "node:assert/strict";
import { SnapshotTaker } from "@corral-iac/corral-ops/kubevirt/takeSnapshots";
import { KubeClient } from "@corral-iac/corral/core/kube-client/client";
import { kubeAccess } from "@corral-iac/corral/core/kube-client/kubeconfig";
import {
  ROLE_LABEL,
  SNAPSHOT_LABEL,
  STAMP_LABEL,
} from "@corral-iac/corral/core/kubevirt/labels";
import { field } from "@corral-iac/corral/core/argumentRules";
import { FakeClock } from "../provider/fakeClock";
import { KubeApi } from "./kubeApi";

const SNAPSHOTS = "virtualmachinesnapshots.snapshot.kubevirt.io";
const INSTANCES = "virtualmachineinstances.kubevirt.io";
const STAMP = "0123456789abcdef";

describe("KubevirtSnapshots", () => {
  let api: KubeApi;
  let client: KubeClient;

  beforeEach(async () => {
    api = await KubeApi.start();
    api.kinds.add(SNAPSHOTS);
    for (const name of ["cp", "wn"]) {
      api.put(INSTANCES, { metadata: { namespace: "t", name } });
      api.put("virtualmachines.kubevirt.io", {
        metadata: { namespace: "t", name },
      });
    }
    api.afterCreate = (_resource, object) => {
      object.status = {
        phase: "Succeeded",
        readyToUse: true,
        creationTime: "2026-01-01T00:00:00Z",
        virtualMachineSnapshotContentName: "c",
      };
    };
    client = new KubeClient(kubeAccess({ kubeconfig: api.kubeconfig() }));
  });

  afterEach(async () => {
    client.close();
    await api.stop();
  });

  function taker(clock = new FakeClock(), stop = true) {
    const log = { debug() {}, info() {}, warn() {}, error() {}, status() {} };
    return new SnapshotTaker(
      {
        namespace: "t",
        orders: [
          {
            machine: "cp",
            role: "control-plane",
            name: "base-cp-g2",
            standsFor: "base-cp",
          },
          {
            machine: "wn",
            role: "worker",
            name: "base-wn-g2",
            standsFor: "base-wn",
          },
        ],
        labels: { [STAMP_LABEL]: STAMP },
        annotations: {},
        stampId: STAMP,
        stop,
        timeoutSeconds: 20,
      },
      client,
      { log, signal: new AbortController().signal },
      clock,
    );
  }

  /** Time passes while the API is not asked. */
  async function inTime<T>(
    work: (taken: SnapshotTaker) => Promise<T>,
  ): Promise<T> {
    const clock = new FakeClock();
    const running = work(taker(clock));
    return clock.runWithServer(running);
  }

  it("stops both machines, takes both, and waits until they are ready to use", async () => {
    const found = await inTime((one) => one.take());
    assert.deepEqual(
      found.map(({ role, name, state }) => [role, name, state]),
      [
        ["control-plane", "base-cp-g2", "ready"],
        ["worker", "base-wn-g2", "ready"],
      ],
    );
    assert.deepEqual(api.namesOf(INSTANCES), []);
    const object = api.objects.get(`${SNAPSHOTS}/t/base-wn-g2`);
    assert.deepEqual(field(object, "metadata", "labels"), {
      [STAMP_LABEL]: STAMP,
      [ROLE_LABEL]: "worker",
      [SNAPSHOT_LABEL]: "base-wn",
    });
    assert.equal(field(object, "spec", "source", "name"), "wn");
  });

  it("leaves machines running where that is wanted", async () => {
    await taker(undefined, false).take();
    assert.equal(api.namesOf(INSTANCES).length, 2);
  });

  it("gives up after its time, with what is in the way of each", async () => {
    api.afterCreate = (_resource, object) => {
      object.status = { phase: "Succeeded", readyToUse: false };
    };
    await assert.rejects(
      inTime((one) => one.take()),
      /base-cp-g2 is not ready to use \(phase Succeeded\); .*base-wn-g2 .* after 20 s/,
    );
  });

  it("tells at once of one that has failed, and takes it anew the next time", async () => {
    const good = api.afterCreate;
    api.afterCreate = (_resource, object) => {
      object.status = { phase: "Failed", error: { message: "no class" } };
    };
    await assert.rejects(
      inTime((one) => one.take()),
      /has failed: no class/,
    );
    api.afterCreate = good;
    await assert.rejects(
      inTime((one) => one.take()),
      /next up takes it anew/,
    );
    const found = await inTime((one) => one.take());
    assert.ok(found.every(({ state }) => state === "ready"));
  });

  it("takes no snapshot for one in which there is no disk, and takes it anew the next time", async () => {
    const good = api.afterCreate;
    api.afterCreate = (resource, object) => {
      good(resource, object);
      (object.status as Record<string, unknown>).snapshotVolumes = {
        excludedVolumes: ["root", "cloudinit"],
      };
    };
    await assert.rejects(
      inTime((one) => one.take()),
      /no disk is in t\/base-cp-g2, t\/base-wn-g2: there is no VolumeSnapshotClass/,
    );
    assert.deepEqual(api.namesOf(SNAPSHOTS), []);
    api.afterCreate = good;
    const found = await inTime((one) => one.take());
    assert.ok(found.every(({ state }) => state === "ready"));
  });

  it("tells of a machine that is not there, at once", async () => {
    api.objects.delete("virtualmachines.kubevirt.io/t/wn");
    await assert.rejects(
      taker().take(),
      /there is no machine t\/wn to take the snapshot base-wn-g2 of/,
    );
  });

  it("touches nobody else's snapshot of that name", async () => {
    api.put(SNAPSHOTS, { metadata: { namespace: "t", name: "base-cp-g2" } });
    await assert.rejects(
      inTime((one) => one.take()),
      /base-cp-g2 already, which is not of this stack/,
    );
    await inTime((one) => one.remove());
    assert.deepEqual(api.namesOf(SNAPSHOTS), [`${SNAPSHOTS}/t/base-cp-g2`]);
  });

  it("removes its own, and waits until they are gone", async () => {
    await inTime((one) => one.take());
    api.finishesDeletion = false;
    await assert.rejects(
      inTime((one) => one.remove()),
      /base-cp-g2, base-wn-g2 are not gone after 20 s/,
    );
    api.finishesDeletion = true;
    await inTime((one) => one.remove());
    assert.deepEqual(api.namesOf(SNAPSHOTS), []);
  });
});
