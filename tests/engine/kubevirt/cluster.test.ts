import assert from "node:assert/strict";
import { type KubevirtLab } from "@corral-iac/tools/lab/kubevirt/index";
import { everythingOf, namesIn, objectsOf } from "../../support/kubevirtCensus";
import {
  makeRunning,
  sharedKubevirt,
  simulatedGuests,
  takeSnapshot,
  TestNamespaces,
} from "../../support/kubevirtLab";
import { KubevirtProgram } from "../../support/kubevirtProgram";

describe("KubevirtCluster on a real control plane", function () {
  this.timeout(300_000);
  let lab: KubevirtLab;
  let namespaces: TestNamespaces;
  let templates: string;
  let program: KubevirtProgram;

  before(async function () {
    this.timeout(1_800_000);
    lab = await sharedKubevirt();
    namespaces = new TestNamespaces(lab);
    templates = await namespaces.make("kube-templates");
    program = await KubevirtProgram.make("kubecluster");
  });

  after(async () => {
    await program.remove();
    await namespaces.remove();
  });

  const snapshots = () => ({
    namespace: templates,
    controlPlane: "base-control-plane",
    worker: "base-worker",
  });
  const args = (more: object = {}) => ({
    ...simulatedGuests(lab),
    snapshots: snapshots(),
    ...more,
  });

  /** The clusters that there are after the first tests. */
  const now = () => ({ web: args(), fast: args({ workers: 1 }) });

  /** Makes the machines of a base cluster and their snapshots. */
  async function makeSnapshots(): Promise<void> {
    for (const role of ["control-plane", "worker"]) {
      await makeRunning(lab, templates, `base-${role}-vm`);
      await takeSnapshot(lab, templates, `base-${role}`, `base-${role}-vm`);
    }
  }

  const up = (clusters: Record<string, object>) => program.up(clusters);
  const output = <T>(name: string) => program.output<T>(name);

  const list = (kind: string) => objectsOf(lab, "kubecluster", kind);

  it("is bootstrapped where there are no snapshots", async () => {
    await up({ web: args() });
    assert.equal(await output("web.strategy"), "bootstrap");
    assert.match(
      await output<string>("web.strategyReason"),
      /control plane's snapshot .*base-control-plane is not there; the worker's/,
    );
    const machines =
      await output<{ name: string; address: string }[]>("web.machines");
    assert.deepEqual(
      machines.map(({ name }) => name),
      ["cks-control-plane-web", "cks-worker-node-web"],
    );
    assert.ok(machines.every(({ address }) => address !== ""));
  });

  it("has nothing to change the second time", async () => {
    const { exitCode, output: said } = await program.stack.preview(
      "--diff",
      "--expect-no-changes",
    );
    assert.equal(exitCode, 0, said);
  });

  it("keeps what was decided when snapshots come, and a second cluster takes them", async () => {
    await makeSnapshots();
    await up({ web: args(), fast: args({ workers: 2 }) });
    assert.equal(await output("web.strategy"), "bootstrap");
    assert.equal(
      await output("fast.strategy"),
      "snapshot",
      await output("fast.strategyReason"),
    );
    const disks = (await list("dv")).map(
      ({ metadata }) =>
        (metadata as { ownerReferences?: { kind: string }[] })
          .ownerReferences?.[0]?.kind,
    );
    // Those that were cloned ahead were taken up by their machines.
    assert.ok(
      disks.every((owner) => owner === "VirtualMachine"),
      disks.join(),
    );
    assert.equal(disks.length, 3);
  });

  it("gets more workers and fewer, and touches no other machine", async () => {
    const uids = async () =>
      new Map(
        (await list("vm")).map(({ metadata }) => {
          const { uid } = metadata as { uid?: string };
          return [`${metadata.namespace}/${metadata.name}`, uid];
        }),
      );
    const before = await uids();
    assert.equal(before.size, 5);
    await up({ web: args(), fast: args({ workers: 3 }) });
    const after = await uids();
    assert.equal(after.size, 6);
    for (const [name, uid] of before) {
      assert.equal(after.get(name), uid, name);
    }
    await up(now());
    assert.equal((await uids()).size, 4);
  });

  it("says in a preview how a cluster would be made, and makes nothing", async () => {
    program.declare({ ...now(), third: args() });
    const { exitCode, output: said } = await program.stack.preview();
    assert.equal(exitCode, 0, said);
    assert.match(said, /third\.strategy\s*: "snapshot"/);
    assert.equal((await list("vm")).length, 4);
  });

  it("takes the newest snapshots of a session's machines", async () => {
    const namespace = await output<string>("fast.namespace");
    for (const name of ["cks-control-plane-fast", "cks-worker-node-fast"]) {
      await takeSnapshot(lab, namespace, `${name}-saved`, name);
    }
    const { snapshots: _, ...rest } = args({ fromSession: "fast" });
    await up({ ...now(), copy: rest });
    assert.equal(
      await output("copy.strategy"),
      "snapshot",
      await output("copy.strategyReason"),
    );
    const chosen = await output<{ name: string }[]>("copy.snapshots");
    assert.deepEqual(
      chosen.map(({ name }) => name),
      ["cks-control-plane-fast-saved", "cks-worker-node-fast-saved"],
    );
  });

  it("falls back to bootstrap in the same up when disks do not come, and leaves no disk", async () => {
    const lame = args({
      storageClass: "missing",
      diskTimeoutSeconds: 2,
      ready: { until: "none" },
    });
    await up({ ...now(), lame });
    assert.equal(await output("lame.strategy"), "bootstrap");
    assert.equal(await output("lame.fellBack"), true);
    assert.match(
      await output<string>("lame.strategyReason"),
      /did not come within 2 s/,
    );
    const ahead = await lab.kubectl(
      "get",
      "dv",
      "--namespace",
      await output("lame.namespace"),
      "--selector",
      "corral-iac.dev/cloned-ahead",
      "--output",
      "name",
    );
    assert.equal(ahead, "");
  });

  it("makes a machine anew that somebody deleted", async () => {
    await up(now());
    await lab.kubectl(
      "delete",
      "vm",
      "--namespace",
      await output("fast.namespace"),
      "cks-worker-node-fast",
    );
    const { exitCode, output: said } = await program.stack.up("--refresh");
    assert.equal(exitCode, 0, said);
    assert.equal((await list("vm")).length, 4);
  });

  it("leaves nothing", async () => {
    await up({});
    assert.deepEqual(await everythingOf(lab, "kubecluster"), []);
    // What the test itself made there stays; no role for clones does.
    assert.deepEqual(await namesIn(lab, templates, "role,rolebinding"), []);
  });
});
