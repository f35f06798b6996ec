import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import {
  guestLabel,
  imageLabel,
  KubevirtLab,
} from "@corral-iac/tools/lab/kubevirt/index";
import {
  ensureNodeImage,
  flannelManifest,
} from "@corral-iac/tools/lab/kubevirt/node/nodeImage";
import { becomes } from "@corral-iac/tools/lab/processes";
import { ensureTool } from "@corral-iac/tools/toolchain/index";
import execa from "execa";
import { KubevirtProgram } from "../../support/kubevirtProgram";

/** From the beginning of `up` until both nodes are Ready, without KVM. */
const BOUND_SECONDS = 1200;
/** How long CoreDNS and the like may take after that. */
const PODS_SECONDS = 600;

interface Node {
  readonly metadata: { readonly name: string };
  readonly status: {
    readonly nodeInfo: { readonly kubeletVersion: string };
    readonly conditions: readonly { type: string; status: string }[];
  };
}

interface Pod {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly conditions?: readonly { type: string; status: string }[];
  };
}

const isTrue = (
  type: string,
  conditions: readonly { type: string; status: string }[] = [],
) => conditions.some((one) => one.type === type && one.status === "True");

// Nothing of the cluster inside is simulated: kubeadm, kubelet, containerd, etcd, Flannel and CoreDNS run in guests.
describe("a KubevirtCluster whose machines run a real Kubernetes", function () {
  this.bail(true);
  this.timeout((BOUND_SECONDS + 300) * 1000);
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "corral-real-"));
  const folder = path.join(scratch, "lab");
  const kubeconfig = path.join(scratch, "kubeconfig");
  let kubectl: string;
  let lab: KubevirtLab;
  let program: KubevirtProgram;
  let seconds: number;

  before(async function () {
    this.timeout(5_400_000);
    const image = await ensureNodeImage(console.log);
    kubectl = await ensureTool("kubectl");
    lab = await KubevirtLab.start({ folder, bound: true });
    program = await KubevirtProgram.make("realkube");
    program.declare({
      web: {
        kubeconfig: lab.kubeconfig,
        strategy: "bootstrap",
        // Whatever it is called, the lab boots the image of the label.
        image: { url: "http://images.example/node.qcow2" },
        labels: { [guestLabel]: "real", [imageLabel]: image.name },
        controlPlane: { memoryMib: 2560, diskSizeGib: 8 },
        worker: { memoryMib: 1536, diskSizeGib: 8 },
        kubernetes: { install: "image", manifest: flannelManifest },
        ready: { timeoutSeconds: BOUND_SECONDS },
      },
    });
  });

  after(async () => {
    await program?.remove();
    await KubevirtLab.remove(folder);
    fs.rmSync(scratch, { recursive: true, force: true });
  });

  /** kubectl with the cluster's own kubeconfig. */
  async function inside(...args: string[]): Promise<string> {
    const { stdout } = await execa(
      kubectl,
      ["--kubeconfig", kubeconfig, ...args],
      { env: { KUBECACHEDIR: path.join(scratch, "cache") }, timeout: 120_000 },
    );
    return stdout;
  }

  /** The stack's kubeconfig; its Service's name means nothing out here, the machine's address does. */
  async function takeKubeconfig(): Promise<void> {
    const { output } = await program.stack.pulumi(
      ...["stack", "output", "web.kubeconfig", "--show-secrets"],
    );
    const outputs =
      await program.stack.outputs<Record<string, { address: string }[]>>();
    const address = outputs["web.machines"]?.[0]?.address ?? "";
    const reached = output.replace(
      /server: https:\/\/\S+/,
      `server: https://${address}:6443`,
    );
    assert.notEqual(reached, output);
    fs.writeFileSync(kubeconfig, reached, { mode: 0o600 });
  }

  const list = async <T>(...args: string[]): Promise<readonly T[]> =>
    (
      JSON.parse(await inside("get", ...args, "--output", "json")) as {
        items: T[];
      }
    ).items;

  it("is bootstrapped by one `up`, both nodes Ready within 20 minutes", async () => {
    const began = Date.now();
    const { exitCode, output } = await program.stack.up();
    seconds = (Date.now() - began) / 1000;
    assert.equal(exitCode, 0, `${output}\n${consoles()}`);
    await takeKubeconfig();
    const nodes = await list<Node>("nodes");
    assert.deepEqual(
      nodes.map(({ metadata, status }) => [
        metadata.name,
        status.nodeInfo.kubeletVersion,
        isTrue("Ready", status.conditions),
      ]),
      [
        ["cks-control-plane", "v1.34.3", true],
        ["cks-worker-node", "v1.34.3", true],
      ],
    );
    console.log(`      both nodes Ready ${Math.round(seconds)} s after \`up\``);
    assert.ok(seconds < BOUND_SECONDS, `${seconds} s`);
  });

  it("runs what kubeadm and Flannel started, on both nodes", async function () {
    this.timeout((PODS_SECONDS + 60) * 1000);
    let waiting: string[] = [];
    const isWhole = async () => {
      const pods = await list<Pod>("pods", "--all-namespaces");
      waiting = pods
        .filter(({ status }) => !isTrue("Ready", status.conditions))
        .map(({ metadata }) => metadata.name);
      return pods.length >= 10 && waiting.length === 0;
    };
    assert.ok(await becomes(isWhole, PODS_SECONDS), waiting.join(", "));
  });

  it("reaches the kubelet of its worker by the name of its Service", async () => {
    const pods = await list<Pod>(
      ...["pods", "--namespace", "kube-system"],
      ...["--selector", "k8s-app=kube-proxy"],
    );
    const onWorker = pods.find(
      ({ spec }) => spec.nodeName === "cks-worker-node",
    );
    const said = await inside(
      ...["--namespace", "kube-system", "logs"],
      onWorker?.metadata.name ?? "",
    );
    assert.match(said, /Caches are synced/);
  });

  it("has nothing to change the second time", async () => {
    const { exitCode, output } = await program.stack.preview(
      "--expect-no-changes",
    );
    assert.equal(exitCode, 0, output);
  });

  /** The last lines of the guests' consoles. */
  function consoles(): string {
    const guests = path.join(folder, "guests");
    return fs
      .readdirSync(guests)
      .map((uid) => path.join(guests, uid, "console.log"))
      .filter((file) => fs.existsSync(file))
      .map((file) =>
        fs.readFileSync(file, "utf8").split("\n").slice(-60).join("\n"),
      )
      .join("\n----\n");
  }
});
