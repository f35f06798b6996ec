import assert from "node:assert/strict";
import type { KubevirtLab } from "@corral-iac/tools/lab/kubevirt/index";
import { everythingOf, namesIn } from "../../support/kubevirtCensus";
import { sharedKubevirt, simulatedGuests } from "../../support/kubevirtLab";
import { KubevirtProgram } from "../../support/kubevirtProgram";

const NAMESPACE = "corral-kube-gold";
const NAMES = ["cks-control-plane-base-snapshot", "cks-worker-base-snapshot"];

describe("KubevirtBaseSnapshots on a real control plane", function () {
  this.timeout(300_000);
  let lab: KubevirtLab;
  let program: KubevirtProgram;

  before(async function () {
    this.timeout(1_800_000);
    lab = await sharedKubevirt();
    program = await KubevirtProgram.make("kubebase");
  });

  after(() => program.remove());

  const common = () => ({
    ...simulatedGuests(lab),
    ready: { timeoutSeconds: 90 },
  });
  const gold = (generation = 1) => ({
    component: "KubevirtBaseSnapshots",
    ...common(),
    namespace: NAMESPACE,
    generation,
    snapshotTimeoutSeconds: 90,
  });

  const up = (declared: Record<string, object>) => program.up(declared);
  const names = (kind: string) => namesIn(lab, NAMESPACE, kind);
  async function nothingToChange(): Promise<void> {
    const { exitCode, output } = await program.stack.preview(
      "--refresh",
      "--diff",
      "--expect-no-changes",
    );
    assert.equal(exitCode, 0, output);
  }

  it("makes both snapshots, of machines that are off", async () => {
    await up({ gold: gold() });
    assert.deepEqual(await names("vmsnapshot"), NAMES);
    assert.deepEqual(await names("vmi"), []);
    const { ["gold.snapshots"]: taken } =
      await program.stack.outputs<
        Record<string, { status: string; createdAt: string }[]>
      >();
    assert.deepEqual(
      taken?.map(({ status }) => status),
      ["is ready to use", "is ready to use"],
    );
  });

  it("has nothing to change the second time, also after a refresh", () =>
    nothingToChange());

  it("makes the new ones before it removes the old, and clusters find them", async () => {
    await up({ gold: gold(2) });
    assert.deepEqual(
      await names("vmsnapshot"),
      NAMES.map((name) => `${name}-g2`),
    );
    await up({
      gold: gold(2),
      web: { ...common(), snapshots: { namespace: NAMESPACE } },
    });
    const outputs =
      await program.stack.outputs<Record<string, { name: string }[]>>();
    assert.deepEqual(
      outputs["web.snapshots"]?.map(({ name }) => name),
      NAMES.map((name) => `${name}-g2`),
      String(outputs["web.strategyReason"]),
    );
  });

  it("snapshots the running machines of a session, which go on running", async () => {
    const namespace = "corral-kubebase-web";
    const running = async () =>
      (
        await lab.kubectl(
          ...["get", "vmi", "-n", namespace],
          ...["-o", "jsonpath={.items[*].status.phase}"],
        )
      )
        .split(" ")
        .filter((phase) => phase === "Running").length;
    assert.equal(await running(), 2);
    const saved = {
      component: "KubevirtBaseSnapshots",
      kubeconfig: lab.kubeconfig,
      fromSession: "web",
      namespace,
      snapshotTimeoutSeconds: 90,
    };
    const web = { ...common(), snapshots: { namespace: NAMESPACE } };
    await up({ gold: gold(2), web, saved });
    assert.deepEqual(await namesIn(lab, namespace, "vmsnapshot"), [
      "cks-control-plane-web-snapshot",
      "cks-worker-web-snapshot",
    ]);
    assert.equal(await running(), 2);
    const copy = { ...common(), fromSession: "web" };
    await up({ gold: gold(2), web, saved, copy });
    const outputs =
      await program.stack.outputs<Record<string, { name: string }[]>>();
    assert.deepEqual(
      outputs["copy.snapshots"]?.map(({ name }) => name),
      ["cks-control-plane-web-snapshot", "cks-worker-web-snapshot"],
      String(outputs["copy.strategyReason"]),
    );
    await up({ gold: gold(2) });
  });

  it("removes the machines with their disks and keeps the snapshots when asked to", async () => {
    const spent = { ...gold(2), keepMachines: false };
    await up({ gold: spent });
    assert.deepEqual(await namesIn(lab, NAMESPACE, "vm,vmi,dv,pvc"), []);
    assert.equal((await names("vmsnapshot")).length, 2);
    await nothingToChange();
    // Also at once, with the machines of a new generation.
    await up({ gold: { ...gold(3), keepMachines: false } });
    assert.deepEqual(await namesIn(lab, NAMESPACE, "vm,vmi,dv,pvc"), []);
    assert.deepEqual(
      await names("vmsnapshot"),
      NAMES.map((name) => `${name}-g3`),
    );
    await nothingToChange();
  });

  it("has its snapshots still cloned from when their machines are gone", async () => {
    const gone = { ...gold(3), keepMachines: false };
    await up({
      gold: gone,
      late: { ...common(), snapshots: { namespace: NAMESPACE } },
    });
    const { ["late.strategy"]: strategy } =
      await program.stack.outputs<Record<string, string>>();
    assert.equal(strategy, "snapshot");
  });

  it("leaves nothing", async () => {
    await up({});
    assert.deepEqual(await everythingOf(lab, "kubebase"), []);
    assert.deepEqual(
      await namesIn(lab, NAMESPACE, "vmsnapshot,vm,vmi,dv,pvc,volumesnapshot"),
      [],
    );
  });
});
