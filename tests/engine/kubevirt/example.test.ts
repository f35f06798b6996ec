import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { KubevirtLab } from "@corral-iac/tools/lab/kubevirt/index";
import { PulumiStack } from "@corral-iac/tools/stack/pulumiStack";
import { ensureToolchain } from "@corral-iac/tools/toolchain/index";
import { copyExample } from "../../support/example";
import { everythingOf } from "../../support/kubevirtCensus";
import { sharedKubevirt } from "../../support/kubevirtLab";

const STACK = "kubeexample";

// The example as a user copies it, on the lab; its guests run in the books only.
describe("the example kubevirt-cluster", function () {
  this.timeout(300_000);
  let folder: string;
  let lab: KubevirtLab;
  let stack: PulumiStack;

  before(async function () {
    this.timeout(1_800_000);
    lab = await sharedKubevirt();
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-example-"));
    const program = copyExample(
      "kubevirt-cluster",
      path.join(folder, "program"),
    );
    stack = new PulumiStack(
      {
        program,
        project: "clusters",
        stack: STACK,
        folder: path.join(folder, "stack"),
      },
      await ensureToolchain(["pulumi", "nodeHost", "kubernetesPlugin"]),
    );
    await stack.ensure();
    stack.configure({
      config: {
        "clusters:image": "http://images.example/debian.qcow2",
        "clusters:memoryMib": 1024,
        "clusters:configureNodes": false,
        "clusters:workers": 2,
        "clusters:baseGeneration": 1,
        "clusters:generation": 1,
      },
    });
    await stack.must([
      ...["config", "set", "--secret", "--", "clusters:kubeconfig"],
      lab.kubeconfig,
    ]);
  });

  after(async () => {
    await stack.run(["destroy", "--yes", "--skip-preview"]);
    await stack.remove();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  it("makes base snapshots, and a cluster that is cloned from them", async () => {
    await stack.must(["up", "--yes", "--skip-preview"]);
    const { made, machines, baseSnapshots } = await stack.outputs<{
      made: string;
      machines: { name: string }[];
      baseSnapshots: { status: string }[];
    }>();
    assert.match(made, /^snapshot: corral-templates\/.* are ready to use$/);
    assert.deepEqual(
      machines.map(({ name }) => name),
      [
        "cks-control-plane-student",
        "cks-worker-node-student",
        "cks-worker-node-student-2",
      ],
    );
    assert.deepEqual(
      baseSnapshots.map(({ status }) => status),
      ["is ready to use", "is ready to use"],
    );
  });

  it("has nothing to change the second time, nor after a look at the cluster", async () => {
    await stack.must([
      ...["up", "--yes", "--skip-preview"],
      ...["--refresh", "--expect-no-changes"],
    ]);
  });

  it("leaves nothing behind", async () => {
    await stack.must(["destroy", "--yes", "--skip-preview"]);
    assert.deepEqual(await everythingOf(lab, STACK), []);
  });
});
