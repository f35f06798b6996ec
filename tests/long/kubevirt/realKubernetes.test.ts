import assert from "node:assert/strict";
import { becomes } from "@corral-iac/tools/lab/processes";
import { RealKubernetes } from "../../support/realKubernetes";

/** From the beginning of `up` until both nodes are Ready, without KVM. */
const BOUND_SECONDS = 1200;
/** How long CoreDNS and the like may take after that. */
const PODS_SECONDS = 600;
const VERSION = "v1.34.3";

// Nothing of the clusters inside is simulated.
describe("machines of KubeVirt that run a real Kubernetes", function () {
  this.bail(true);
  this.timeout((BOUND_SECONDS + 300) * 1000);
  let real: RealKubernetes;

  before(async function () {
    this.timeout(5_400_000);
    real = await RealKubernetes.start("realkube");
  });
  after(() => real?.remove());

  async function podsRun(cluster: string, least: number): Promise<void> {
    let waiting: string[] = [];
    const isWhole = async () => {
      const pods = await real.pods(cluster);
      waiting = pods.waiting;
      return pods.count >= least && waiting.length === 0;
    };
    assert.ok(await becomes(isWhole, PODS_SECONDS), waiting.join(", "));
  }

  describe("a KubevirtCluster by bootstrap", () => {
    const declared = () => ({
      web: { ...real.machines(BOUND_SECONDS), strategy: "bootstrap" },
    });

    it("is made by one `up`, both nodes Ready within 20 minutes", async () => {
      const seconds = await real.up(declared());
      assert.deepEqual(await real.nodes("web"), [
        ["cks-control-plane", VERSION, true],
        ["cks-worker-node", VERSION, true],
      ]);
      console.log(
        `      both nodes Ready ${Math.round(seconds)} s after \`up\``,
      );
      assert.ok(seconds < BOUND_SECONDS, `${seconds} s`);
    });

    it("runs what kubeadm and Flannel started, on both nodes", () =>
      podsRun("web", 10));

    it("reaches the kubelet of its worker by the name of its Service", async () => {
      const said = await real.proxyLog("web", "cks-worker-node");
      assert.match(said, /Caches are synced/);
    });

    it("has nothing to change the second time", async () => {
      const { exitCode, output } = await real.program.stack.preview(
        "--expect-no-changes",
      );
      assert.equal(exitCode, 0, output);
    });
  });

  describe("a KubevirtCluster from base snapshots", () => {
    const gold = () => ({
      gold: {
        ...real.machines(BOUND_SECONDS),
        component: "KubevirtBaseSnapshots",
        namespace: "real-gold",
        // Three guests are enough for two processors.
        keepMachines: false,
        snapshotTimeoutSeconds: BOUND_SECONDS,
      },
    });

    // The other cluster's guests would take the processors.
    before(() => real.up({}));

    it("has base machines that are stable, cleaned, and then gone", async () => {
      const seconds = await real.up(gold());
      console.log(`      base snapshots after ${Math.round(seconds)} s`);
    });

    it("has clones that are nodes of a cluster of their own, a further worker too", async () => {
      const seconds = await real.up({
        ...gold(),
        fast: {
          ...real.machines(BOUND_SECONDS),
          strategy: "snapshot",
          snapshots: {
            namespace: "real-gold",
            controlPlane: "cks-control-plane-base-snapshot",
            worker: "cks-worker-base-snapshot",
          },
          workers: 2,
        },
      });
      assert.deepEqual(await real.nodes("fast"), [
        ["cks-control-plane", VERSION, true],
        ["cks-worker-node", VERSION, true],
        ["cks-worker-node-2", VERSION, true],
      ]);
      console.log(
        `      all nodes Ready ${Math.round(seconds)} s after \`up\``,
      );
    });

    it("runs the pods of its original, and reaches each kubelet", async () => {
      await podsRun("fast", 12);
      for (const node of ["cks-worker-node", "cks-worker-node-2"]) {
        assert.match(await real.proxyLog("fast", node), /Caches are synced/);
      }
    });
  });
});
