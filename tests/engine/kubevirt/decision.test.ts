import assert from "node:assert/strict";
import {
  collection,
  type KubevirtLab,
} from "@corral-iac/tools/lab/kubevirt/index";
import { becomes } from "@corral-iac/tools/lab/processes";
import { everythingOf, namesIn } from "../../support/kubevirtCensus";
import {
  makeRunning,
  type SeenSnapshot,
  sharedKubevirt,
  simulatedGuests,
  takeSnapshot,
  TestNamespaces,
  volumeSnapshotOf,
} from "../../support/kubevirtLab";
import { KubevirtProgram } from "../../support/kubevirtProgram";

const SNAPSHOTS = "snapshot.kubevirt.io/v1beta1";

describe("what a KubevirtCluster decides, on a real control plane", function () {
  this.timeout(300_000);
  let lab: KubevirtLab;
  let namespaces: TestNamespaces;
  let templates: string;
  let program: KubevirtProgram;

  before(async function () {
    this.timeout(1_800_000);
    lab = await sharedKubevirt();
    namespaces = new TestNamespaces(lab);
    templates = await namespaces.make("kube-decide");
    program = await KubevirtProgram.make("kubedecide");
    await Promise.all(
      ["control-plane", "worker"].map((role) =>
        makeRunning(lab, templates, `base-${role}-vm`),
      ),
    );
  });

  after(async () => {
    await program.remove();
    await namespaces.remove();
  });

  const cluster = (more: object = {}) => ({
    ...simulatedGuests(lab),
    snapshots: {
      namespace: templates,
      controlPlane: "base-control-plane",
      worker: "base-worker",
    },
    ...more,
  });

  const take = (role: string) =>
    takeSnapshot(lab, templates, `base-${role}`, `base-${role}-vm`);

  /** What a preview says: the strategy and why. */
  async function foreseen(more: object = {}): Promise<string> {
    program.declare({ web: cluster(more) });
    const { exitCode, output } = await program.stack.preview();
    assert.equal(exitCode, 0, output);
    return output;
  }

  it("is bootstrap with one snapshot of two, and says which is missing", async () => {
    await take("worker");
    const said = await foreseen();
    assert.match(said, /web\.strategy\s*: "bootstrap"/);
    assert.match(
      said,
      /control plane's snapshot .*base-control-plane is not there/,
    );
  });

  it("is snapshot with both", async () => {
    await take("control-plane");
    assert.match(await foreseen(), /web\.strategy\s*: "snapshot"/);
  });

  it("is an error where snapshots are demanded that are not there", async () => {
    const wrong = { namespace: templates, controlPlane: "other" };
    program.declare({
      web: cluster({
        strategy: "snapshot",
        image: undefined,
        snapshots: wrong,
      }),
    });
    const { exitCode, output } = await program.stack.up();
    assert.notEqual(exitCode, 0);
    assert.match(
      output,
      /strategy is snapshot, and the snapshots cannot be used/,
    );
    // What was made stays in the state, and the next up goes on.
    await program.up({});
  });

  it("falls back in the same up when a snapshot vanishes half-way, and keeps it so", async () => {
    const declared = cluster({
      // Disks that never come: there is time to remove the snapshot.
      storageClass: "missing",
      diskTimeoutSeconds: 120,
      ready: { until: "none" },
    });
    program.declare({ web: declared });
    const running = program.stack.up();
    const namespace = "corral-kubedecide-web";
    assert.ok(
      await becomes(async () => {
        try {
          return (await namesIn(lab, namespace, "dv")).length > 0;
        } catch {
          return false; // The namespace is not there yet.
        }
      }, 120),
    );
    await lab.kubectl("delete", "vmsnapshot", "base-worker", "-n", templates);
    const { exitCode, output } = await running;
    assert.equal(exitCode, 0, output);
    const outputs = await program.stack.outputs<Record<string, unknown>>();
    assert.equal(outputs["web.strategy"], "bootstrap");
    assert.equal(outputs["web.fellBack"], true);
    assert.match(
      String(outputs["web.strategyReason"]),
      /base-worker vanished meanwhile; fell back to bootstrap/,
    );
    // Later ones keep it, with snapshots or without, and look no further.
    await take("worker");
    const again = await program.stack.preview("--diff", "--expect-no-changes");
    assert.equal(again.exitCode, 0, again.output);
  });

  it("is bootstrap where one of both is broken below", async () => {
    const worker = await lab.api.get<SeenSnapshot>(
      `${collection(SNAPSHOTS, "virtualmachinesnapshots", templates)}/base-worker`,
    );
    const volume = await volumeSnapshotOf(lab, worker);
    await lab.kubectl("delete", "volumesnapshot", volume, "-n", templates);
    program.declare({ web: cluster({ generation: 2 }) });
    const { output } = await program.stack.preview();
    assert.match(
      output,
      /web\.strategyReason[^\n]*worker's snapshot [^\n]*(VolumeSnapshot|not ready)/,
    );
  });

  it("is for workers that come later the present snapshot when the former is gone, and touches no other machine", async () => {
    const remove = (...roles: string[]) =>
      lab.kubectl(
        ...["delete", "vmsnapshot", "-n", templates],
        ...roles.map((role) => `base-${role}`),
      );
    const grown = (workers: number) => ({
      grown: cluster({ strategy: "snapshot", workers }),
    });
    const machines = () =>
      lab.kubectl(
        ...["get", "vm", "-n", "corral-kubedecide-grown"],
        ...[
          "-o",
          "jsonpath={range .items[*]}{.metadata.name} {.metadata.uid} {.metadata.generation}{'\\n'}{end}",
        ],
      );
    await remove("control-plane", "worker");
    await take("control-plane");
    await take("worker");
    await program.up(grown(1));
    const before = await machines();
    await remove("control-plane", "worker");
    const present = await take("worker");
    await program.up(grown(2));
    assert.ok((await machines()).startsWith(before));
    const disk = await lab.kubectl(
      ...["get", "dv", "-n", "corral-kubedecide-grown"],
      ...[
        "cks-worker-node-grown-2-root",
        "-o",
        "jsonpath={.spec.source.snapshot.name}",
      ],
    );
    assert.equal(disk, await volumeSnapshotOf(lab, present));

    await remove("worker");
    program.declare(grown(3));
    const { exitCode, output } = await program.stack.up();
    assert.notEqual(exitCode, 0);
    assert.match(
      output,
      /base-worker, which this cluster was made from, is gone/,
    );
    await program.up(grown(2));
  });

  it("leaves nothing", async () => {
    await program.up({});
    assert.deepEqual(await everythingOf(lab, "kubedecide"), []);
    assert.deepEqual(await namesIn(lab, templates, "role,rolebinding"), []);
  });
});
