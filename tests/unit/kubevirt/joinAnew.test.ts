import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { NodeStep } from "@corral-iac/corral/core/kubevirt/nodeSteps";
import {
  type ClusterNode,
  type NodesWish,
  putNodesRight,
} from "@corral-iac/corral-ops/kubevirt/nodes";
import { StandIns } from "./standIns";
import { node } from "./objects";

const DIGEST = `sha256:${"d".repeat(64)}`;
const OWN_KEY = "AAAA+own/key==";
/** The cluster's nodes are files of the folder `nodes`; all are Ready, and no kubelet makes its own anew. */
const PROGRAMS: Readonly<Record<string, string>> = {
  getent: 'echo "corral:x:1000:1000::$MACHINE/home/corral:/bin/sh"',
  hostnamectl: ":",
  systemctl: ":",
  "systemd-machine-id-setup": ":",
  kubeadm: `case $1 in
token) echo "kubeadm join k:6443 --token abcdef.0123456789abcdef --discovery-token-ca-cert-hash ${DIGEST}" ;;
reset) rm -f $MACHINE/etc/kubernetes/kubelet.conf ;;
join)
  name=$(sed -n 's/^  name: "\\{0,1\\}\\([^"]*\\)"\\{0,1\\}$/\\1/p' $3)
  [ -n "$name" ] || { echo "no name in $3" >&2; exit 1; }
  if [ -e $CLUSTER/nodes/$name ]; then
    echo "a Node with name \\"$name\\" and status \\"Ready\\" already exists in the cluster" >&2
    exit 1
  fi
  [ ! -e $CLUSTER/broken-$name ] || { echo "the kubelet is not healthy" >&2; exit 1; }
  echo $name > $MACHINE/etc/kubernetes/kubelet.conf
  touch $CLUSTER/nodes/$name ;;
esac`,
  kubectl: `shift
config=$1
[ -e $config ] || { echo "$config: no such file" >&2; exit 1; }
shift
case "$1 $2" in
"get node") [ -e $CLUSTER/nodes/$3 ] ;;
"delete node") rm -f $CLUSTER/nodes/$3 ;;
"get nodes") ls $CLUSTER/nodes | sed 's#^#node/#' ;;
esac`,
};

describe("further clones of a worker, by a real shell", () => {
  let folder: string;
  let programs: StandIns;
  let done: string[];

  const at = (...names: string[]) => path.join(folder, ...names);
  const machineOf = ({ instanceId }: ClusterNode) => at("machines", instanceId);

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-join-"));
    done = [];
    fs.mkdirSync(at("nodes"));
    programs = new StandIns(at("bin"), PROGRAMS);
    make(node(0), "admin.conf");
    fs.writeFileSync(at("nodes", "cks-control-plane"), "");
  });
  afterEach(() => fs.rmSync(folder, { recursive: true }));

  /** A machine with the disk of the worker that it was cloned from. */
  function make(machine: ClusterNode, has = "kubelet.conf"): void {
    fs.mkdirSync(path.join(machineOf(machine), "etc/kubernetes"), {
      recursive: true,
    });
    fs.mkdirSync(path.join(machineOf(machine), "var/lib"), { recursive: true });
    fs.writeFileSync(path.join(machineOf(machine), "etc/kubernetes", has), "");
  }

  function runStep(machine: ClusterNode, step: NodeStep): string {
    done.push(`${machine.nodeName}: ${step.name}`);
    return programs.run(machineOf(machine), step.script, { CLUSTER: folder });
  }

  const put = (nodes: readonly ClusterNode[], before = [node(0)]) => {
    done = [];
    const wish: NodesWish = {
      decided: "snapshot",
      nodes,
      before,
      nodeNetwork: "10.250.0.0/16",
      networkPlugin: undefined,
      token: "abcdef.0123456789abcdef",
      timeoutSeconds: 60,
    };
    return putNodesRight(
      wish,
      {
        async reach() {},
        loginKey: async () => OWN_KEY,
        run: async (machine, step) => runStep(machine, step),
      },
      { status() {}, info() {}, warn() {} },
    );
  };

  const joined = () =>
    done.filter((line) => line.endsWith(": join")).map((l) => l.split(":")[0]);

  it("join once: after a failure of another one only that one joins", async () => {
    const all = [node(0), node(1), node(2), node(3)];
    all.slice(1).forEach((machine) => make(machine));
    fs.writeFileSync(at("broken-cks-worker-node-3"), "");
    await assert.rejects(put(all), /the kubelet is not healthy/);
    assert.equal(joined().length, 3);
    fs.rmSync(at("broken-cks-worker-node-3"));
    await put(all);
    assert.deepEqual(joined(), ["cks-worker-node-3"]);
    assert.ok(!done.some((line) => line.startsWith("cks-worker-node: leave")));
    await put(all);
    assert.deepEqual(joined(), []);
  });

  it("join again when the run was cut off in the midst, though their node is Ready still", async () => {
    make(node(1));
    await put([node(0), node(1)]);
    // As after a join that was cut off before its last line.
    fs.rmSync(at("machines", "uid-1", "etc/corral-node/member"));
    await put([node(0), node(1)]);
    assert.deepEqual(joined(), ["cks-worker-node"]);
  });

  it("join under the name of a machine that was made anew", async () => {
    make(node(1));
    await put([node(0), node(1)]);
    make(node(1, "another"));
    await put([node(0), node(1, "another")], [node(0), node(1)]);
    assert.deepEqual(joined(), ["cks-worker-node"]);
  });

  it("join that were cloned from a worker that has joined, and with it its mark", async () => {
    make(node(2));
    await put([node(0), node(2)]);
    fs.cpSync(at("machines", "uid-2"), at("machines", "clone"), {
      recursive: true,
    });
    await put([node(0), node(2, "clone")]);
    assert.deepEqual(joined(), ["cks-worker-node-2"]);
  });

  it("join another control plane than before, and one that knows them no more", async () => {
    make(node(2));
    await put([node(0), node(2)]);
    fs.rmSync(at("nodes", "cks-worker-node-2"));
    await put([node(0), node(2)]);
    assert.deepEqual(joined(), ["cks-worker-node-2"]);
    const other = node(0, "other");
    fs.cpSync(at("machines", "uid-0"), at("machines", "other"), {
      recursive: true,
    });
    await put([other, node(2)], [other]);
    assert.deepEqual(joined(), ["cks-worker-node-2"]);
  });
});
