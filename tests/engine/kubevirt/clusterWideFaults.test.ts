import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { KubevirtLab } from "@corral-iac/tools/lab/kubevirt/index";
import { simulatedGuests } from "../../support/kubevirtLab";
import { KubevirtProgram } from "../../support/kubevirtProgram";

const GOLD = "bad-gold";

/** A lab of its own: its faults would break other tests. */
describe("KubeVirt whose cluster lacks something", function () {
  this.timeout(300_000);
  const folder = path.join(
    fs.mkdtempSync(path.join(os.tmpdir(), "corral-kubevirt-")),
    "lab",
  );
  let lab: KubevirtLab;
  let program: KubevirtProgram;

  before(async function () {
    this.timeout(1_800_000);
    lab = await KubevirtLab.start({ folder, bound: true });
    program = await KubevirtProgram.make("kubelack");
  });
  after(async () => {
    await program.remove().catch(() => program.abandon());
    await KubevirtLab.remove(folder);
    fs.rmSync(path.dirname(folder), { recursive: true, force: true });
  });

  const common = () => simulatedGuests(lab);
  const gold = () => ({
    ...common(),
    component: "KubevirtBaseSnapshots",
    namespace: GOLD,
    snapshotTimeoutSeconds: 30,
  });
  const up = (declared: Record<string, object>) => {
    program.declare(declared);
    return program.stack.up();
  };
  const uids = () =>
    lab.kubectl(
      ...["get", "vm", "-n", GOLD, "-o", "jsonpath={.items[*].metadata.uid}"],
    );

  it("says that the feature gate Snapshot is off, keeps the machines, and goes on with it", async () => {
    await lab.setFeatureGates([]);
    const { exitCode, output } = await up({ gold: gold() });
    assert.notEqual(exitCode, 0, output);
    assert.match(output, /snapshot feature gate not enabled/);
    assert.match(output, /developerConfiguration/);
    const before = await uids();
    assert.notEqual(before, "");
    await lab.setFeatureGates(["Snapshot", "VMExport", "ExpandDisks"]);
    const again = await up({ gold: gold() });
    assert.equal(again.exitCode, 0, again.output);
    assert.equal(await uids(), before);
  });

  it("says that no class can snapshot the disks, and does not take a snapshot without them", async () => {
    await up({});
    await lab.removeSnapshotClass();
    const { exitCode, output } = await up({ gold: gold() });
    assert.notEqual(exitCode, 0, output);
    assert.match(output, /VolumeSnapshotClass/);
    const before = await uids();
    await lab.restoreSnapshotClass();
    const again = await up({ gold: gold() });
    assert.equal(again.exitCode, 0, again.output);
    assert.equal(await uids(), before);
  });

  it("bootstraps where the API knows no snapshots of machines", async () => {
    await up({});
    await lab.kubectl(
      ...["delete", "crd", "virtualmachinesnapshots.snapshot.kubevirt.io"],
    );
    const web = { ...common(), workers: 0, ready: { until: "none" } };
    const { exitCode, output } = await up({ web });
    assert.equal(exitCode, 0, output);
    const { ["web.strategyReason"]: why } =
      await program.stack.outputs<Record<string, string>>();
    assert.match(why ?? "", /this cluster has no snapshots of machines/);
    await up({});
  });

  it("says that KubeVirt is not there, leaves nothing that the state does not know, and is destroyed", async () => {
    await lab.kubectl("delete", "crd", "virtualmachines.kubevirt.io");
    const web = { ...common(), workers: 0, strategy: "bootstrap" };
    const { exitCode, output } = await up({ web });
    assert.notEqual(exitCode, 0, output);
    assert.match(output, /does not know VirtualMachine of kubevirt\.io\/v1/);
    assert.doesNotMatch(output, /VirtualMachine web-.* creating/);
    const after = await up({});
    assert.equal(after.exitCode, 0, after.output);
    assert.equal(
      await lab.kubectl(
        ...["get", "ns,secret,svc", "-A", "-l", "corral-iac.dev/stamp"],
        ...["-o", "name"],
      ),
      "",
    );
  });
});
