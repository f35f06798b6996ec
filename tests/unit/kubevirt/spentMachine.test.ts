import assert from "node:assert/strict";
import { closeKubeClients } from "@corral-iac/corral-ops/kubevirt/clients";
import { kubevirtBaseMachine } from "@corral-iac/corral-ops/resources/kubevirtBaseMachine";
import { STAMP_LABEL } from "@corral-iac/corral/core/kubevirt/labels";
import { KubeApi } from "./kubeApi";
import { quietContext } from "./objects";

const MACHINES = "virtualmachines.kubevirt.io";
const SNAPSHOTS = "virtualmachinesnapshots.snapshot.kubevirt.io";
const STAMP = "0123456789abcdef";
const VM = `${MACHINES}/t/cp`;

type Inputs = Parameters<typeof kubevirtBaseMachine.create>[1];

describe("KubevirtBaseMachine", () => {
  let api: KubeApi;
  const ctx = quietContext("gold-cp");

  beforeEach(async () => {
    api = await KubeApi.start();
    for (const kind of [
      MACHINES,
      SNAPSHOTS,
      "virtualmachineinstances.kubevirt.io",
      "datavolumes.cdi.kubevirt.io",
      "persistentvolumeclaims",
    ]) {
      api.kinds.add(kind);
    }
    let made = 0;
    api.afterCreate = (_resource, object) => {
      made += 1;
      (object.metadata as Record<string, unknown>).uid = `uid-${made}`;
    };
  });

  afterEach(async () => {
    closeKubeClients();
    await api.stop();
  });

  const inputs = (words: Partial<Inputs> = {}): Inputs => ({
    kubeconfig: api.kubeconfig(),
    namespace: "t",
    machine: "cp",
    snapshot: "base-cp",
    generation: 1,
    stampId: STAMP,
    labels: { [STAMP_LABEL]: STAMP },
    annotations: {},
    spec: JSON.stringify({ runStrategy: "RerunOnFailure" }),
    ...words,
  });
  const state = (uid: string, words: Partial<Inputs> = {}) => ({
    inputs: inputs(words),
    outputs: { uid },
  });
  const taken = (readyToUse = true, stamp = STAMP) =>
    api.put(SNAPSHOTS, {
      metadata: {
        namespace: "t",
        name: "base-cp",
        labels: { [STAMP_LABEL]: stamp },
      },
      status: { readyToUse },
    });
  const other = { spec: JSON.stringify({ runStrategy: "Always" }) };

  it("is made, and taken up by a run after one that was cut off", async () => {
    const { outputs } = await kubevirtBaseMachine.create(ctx, inputs());
    assert.equal(outputs.uid, "uid-1");
    const again = await kubevirtBaseMachine.create(ctx, inputs());
    assert.equal(again.outputs.uid, "uid-1");
  });

  it("touches nobody else's machine", async () => {
    api.put(MACHINES, { metadata: { namespace: "t", name: "cp" } });
    await assert.rejects(
      kubevirtBaseMachine.create(ctx, inputs()),
      /there is a machine t\/cp already, which is not of this stack/,
    );
    await kubevirtBaseMachine.delete?.(ctx, "t/cp", state("uid-1"));
    assert.ok(api.objects.has(VM));
  });

  it("may be gone when its snapshot is ready, and only then", async () => {
    const read = () =>
      Promise.resolve(kubevirtBaseMachine.read?.(ctx, "t/cp", state("uid-1")));
    assert.equal(await read(), undefined);
    taken(false);
    assert.equal(await read(), undefined);
    taken(true, "fedcba9876543210");
    assert.equal(await read(), undefined);
    taken();
    assert.deepEqual((await read())?.outputs, { uid: "uid-1" });
  });

  it("is made anew for a changed spec before its snapshot is taken, and kept after", async () => {
    const { outputs } = await kubevirtBaseMachine.create(ctx, inputs());
    const update = (uid: string) =>
      kubevirtBaseMachine.update?.(ctx, "t/cp", state(uid), inputs(other));
    const changed = await update(outputs.uid);
    assert.deepEqual(changed, { uid: "uid-2" });
    assert.deepEqual(api.objects.get(VM)?.spec, { runStrategy: "Always" });
    taken();
    assert.deepEqual(await update("uid-2"), { uid: "uid-2" });
  });

  it("says so in a preview", async () => {
    const foresee = () =>
      kubevirtBaseMachine.foresee?.(ctx, inputs(other), state("uid-1"));
    assert.deepEqual(await foresee(), {});
    taken();
    assert.deepEqual(await foresee(), { uid: "uid-1" });
  });

  it("is removed with its disks", async () => {
    await kubevirtBaseMachine.create(ctx, inputs());
    await kubevirtBaseMachine.delete?.(ctx, "t/cp", state("uid-1"));
    assert.deepEqual(api.namesOf(MACHINES), []);
  });
});
