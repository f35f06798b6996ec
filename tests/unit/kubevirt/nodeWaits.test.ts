import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import {
  bootDoneStep,
  type NodeStep,
  nodesReadyStep,
} from "@corral-iac/corral/core/kubevirt/nodeSteps";
import { stableSteps } from "@corral-iac/corral/core/kubevirt/stableSteps";
import { StandIns } from "./standIns";

describe("waits inside of a node, by a real shell", () => {
  let folder: string;

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-waits-"));
    fs.mkdirSync(path.join(folder, "machine/var/log"), { recursive: true });
  });
  afterEach(() => fs.rmSync(folder, { recursive: true }));

  function run(step: NodeStep, programs: Readonly<Record<string, string>>) {
    return new StandIns(path.join(folder, "bin"), programs).run(
      path.join(folder, "machine"),
      step.script,
    );
  }
  const words = (expected: RegExp) => (error: Error & { stderr?: string }) => {
    assert.match(error.stderr ?? "", expected);
    return true;
  };

  it("name the node that is not there", () => {
    const kubectl =
      'case "$3" in get) echo "nodes \\"n2\\" not found" >&2; exit 1 ;; esac';
    assert.throws(
      () => run(nodesReadyStep(["n1", "n2"], 1), { kubectl }),
      words(/nodes "n2" not found/),
    );
  });

  it("leave kubectl the time that is left to name the node that is not Ready", () => {
    // As kubectl does for a node that does not get Ready, at once.
    const kubectl = `case "$3" in wait)
  echo "$*" > $MACHINE/asked
  echo "error: timed out waiting for the condition on nodes/n2" >&2
  exit 1
esac`;
    assert.throws(
      () => run(nodesReadyStep(["n1", "n2"], 40), { kubectl }),
      words(/on nodes\/n2/),
    );
    const asked = fs.readFileSync(path.join(folder, "machine/asked"), "utf8");
    const [, seconds] =
      /--timeout=(\d+)s node\/n1 node\/n2$/m.exec(asked) ?? [];
    assert.ok(Number(seconds) > 30 && Number(seconds) <= 40, asked);
  });

  it("say what cloud-init is at when it takes longer", () => {
    fs.writeFileSync(
      path.join(folder, "machine/var/log/cloud-init-output.log"),
      "corral-node: waiting for the control plane\n",
    );
    const cloudInit = `case "$*" in
"status --wait") sleep 60 ;;
*) echo "status: $(cat $MACHINE/state)" ;;
esac`;
    const become = (state: string) =>
      fs.writeFileSync(path.join(folder, "machine/state"), state);
    become("running");
    assert.throws(
      () => run(bootDoneStep(1), { "cloud-init": cloudInit }),
      words(/status: running\ncorral-node: waiting for the control plane/),
    );
    become("done");
    run(bootDoneStep(1), { "cloud-init": cloudInit });
  });

  it("are all bounded from inside before they are from outside", () => {
    for (const step of [
      nodesReadyStep(["n1"], 60),
      bootDoneStep(60),
      ...stableSteps(60),
    ]) {
      assert.equal(step.timeoutSeconds, 90, step.name);
    }
  });
});
