import assert from "node:assert/strict";
import type { KubevirtLab } from "@corral-iac/tools/lab/kubevirt/index";
import { sharedKubevirt } from "../../support/kubevirtLab";
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
    kubeconfig: lab.kubeconfig,
    image: { url: "http://images.example/debian.qcow2" },
    controlPlane: { memoryMib: 1024 },
    worker: { memoryMib: 1024 },
    // The lab's guests run in the books only.
    configureNodes: false,
    ready: { timeoutSeconds: 90 },
  });
  const gold = (generation = 1) => ({
    component: "KubevirtBaseSnapshots",
    ...common(),
    namespace: NAMESPACE,
    generation,
    snapshotTimeoutSeconds: 90,
  });

  async function up(declared: Record<string, object>): Promise<void> {
    program.declare(declared);
    const { exitCode, output } = await program.stack.up();
    assert.equal(exitCode, 0, output);
  }
  const names = async (kind: string) =>
    (await lab.kubectl("get", kind, "-n", NAMESPACE, "-o", "name"))
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.replace(/^[^/]*\//, ""));

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

  it("has nothing to change the second time, also after a refresh", async () => {
    const { exitCode, output } = await program.stack.preview(
      "--refresh",
      "--diff",
      "--expect-no-changes",
    );
    assert.equal(exitCode, 0, output);
  });

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

  it("leaves nothing", async () => {
    await up({});
    assert.deepEqual(await names("vmsnapshot,vm,dv,pvc,volumesnapshot"), []);
  });
});
