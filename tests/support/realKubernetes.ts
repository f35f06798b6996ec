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
import { ensureTool } from "@corral-iac/tools/toolchain/index";
import execa from "execa";
import { KubevirtProgram } from "./kubevirtProgram";

interface Condition {
  readonly type: string;
  readonly status: string;
}

interface Node {
  readonly metadata: { readonly name: string };
  readonly status: {
    readonly nodeInfo: { readonly kubeletVersion: string };
    readonly conditions: readonly Condition[];
  };
}

interface Pod {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: { readonly conditions?: readonly Condition[] };
}

/** A lab of its own whose guests are Kubernetes nodes: kubeadm, kubelet, containerd, etcd, Flannel and CoreDNS run in them. */
export class RealKubernetes {
  /** Files of the clusters' kubeconfigs, by name, since the last update. */
  private readonly kubeconfigs = new Map<string, string>();

  private constructor(
    private readonly scratch: string,
    private readonly kubectl: string,
    private readonly image: string,
    private readonly lab: KubevirtLab,
    readonly program: KubevirtProgram,
  ) {}

  /** @param name of the stack. */
  static async start(name: string): Promise<RealKubernetes> {
    const image = await ensureNodeImage(console.log);
    const kubectl = await ensureTool("kubectl");
    const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "corral-real-"));
    const folder = path.join(scratch, "lab");
    const lab = await KubevirtLab.start({ folder, bound: true });
    const program = await KubevirtProgram.make(name);
    return new RealKubernetes(scratch, kubectl, image.name, lab, program);
  }

  async remove(): Promise<void> {
    await this.program.remove();
    await KubevirtLab.remove(this.lab.folder);
    fs.rmSync(this.scratch, { recursive: true, force: true });
  }

  /** Arguments of whatever is made of such guests. */
  machines(timeoutSeconds: number) {
    return {
      kubeconfig: this.lab.kubeconfig,
      // Whatever it is called, the lab boots the image of the label.
      image: { url: "http://images.example/node.qcow2" },
      labels: { [guestLabel]: "real", [imageLabel]: this.image },
      controlPlane: { memoryMib: 2560, diskSizeGib: 8 },
      worker: { memoryMib: 1536, diskSizeGib: 8 },
      kubernetes: {
        install: "image",
        manifest: flannelManifest,
        // Not the one that Flannel's manifest names.
        podNetwork: "10.200.0.0/16",
      },
      ready: { timeoutSeconds },
    };
  }

  /** @returns how many seconds the update took. */
  async up(declared: Record<string, object>): Promise<number> {
    this.kubeconfigs.clear();
    this.program.declare(declared);
    const began = Date.now();
    const { exitCode, output } = await this.program.stack.up();
    assert.equal(exitCode, 0, `${output}\n${this.consoles()}`);
    return (Date.now() - began) / 1000;
  }

  /** The nodes of a cluster of guests: name, version of the kubelet, and whether it is Ready. */
  async nodes(cluster: string): Promise<[string, string, boolean][]> {
    const nodes = await this.list<Node>(cluster, "nodes");
    return nodes.map(({ metadata, status }) => [
      metadata.name,
      status.nodeInfo.kubeletVersion,
      isTrue("Ready", status.conditions),
    ]);
  }

  /** All pods, and which of them are not Ready. */
  async pods(cluster: string): Promise<{ count: number; waiting: string[] }> {
    const pods = await this.list<Pod>(cluster, "pods", "--all-namespaces");
    const waiting = pods
      .filter(({ status }) => !isTrue("Ready", status.conditions))
      .map(({ metadata, spec }) => `${metadata.name} on ${spec.nodeName}`);
    return { count: pods.length, waiting };
  }

  /** The log of kube-proxy on a node, which its kubelet gives. */
  async proxyLog(cluster: string, node: string): Promise<string> {
    const pods = await this.list<Pod>(
      ...([cluster, "pods", "--namespace", "kube-system"] as const),
      ...["--selector", "k8s-app=kube-proxy"],
    );
    const pod = pods.find(({ spec }) => spec.nodeName === node);
    return this.inside(
      ...([cluster, "--namespace", "kube-system", "logs"] as const),
      pod?.metadata.name ?? "",
    );
  }

  private async list<T>(
    cluster: string,
    ...args: string[]
  ): Promise<readonly T[]> {
    const text = await this.inside(cluster, "get", ...args, "--output", "json");
    return (JSON.parse(text) as { items: T[] }).items;
  }

  /** kubectl with the cluster's own kubeconfig. */
  private async inside(cluster: string, ...args: string[]): Promise<string> {
    const kubeconfig =
      this.kubeconfigs.get(cluster) ?? (await this.takeKubeconfig(cluster));
    const { stdout } = await execa(
      this.kubectl,
      ["--kubeconfig", kubeconfig, ...args],
      {
        env: { KUBECACHEDIR: path.join(this.scratch, "cache", cluster) },
        timeout: 120_000,
      },
    );
    return stdout;
  }

  /** The stack's kubeconfig; its Service's name means nothing out here, the machine's address does. */
  private async takeKubeconfig(cluster: string): Promise<string> {
    const outputs = await this.program.stack.outputs<Record<string, unknown>>();
    const text = outputs[`${cluster}.kubeconfig`] as string;
    const machines = outputs[`${cluster}.machines`] as { address: string }[];
    const reached = text.replace(
      /server: https:\/\/\S+/,
      `server: https://${machines[0]?.address}:6443`,
    );
    assert.notEqual(reached, text);
    const file = path.join(this.scratch, `${cluster}.yaml`);
    fs.writeFileSync(file, reached, { mode: 0o600 });
    this.kubeconfigs.set(cluster, file);
    return file;
  }

  /** The last lines of the guests' consoles. */
  private consoles(): string {
    const guests = path.join(this.lab.folder, "guests");
    if (!fs.existsSync(guests)) {
      return "no guest was started";
    }
    return fs
      .readdirSync(guests)
      .map((uid) => path.join(guests, uid, "console.log"))
      .filter((file) => fs.existsSync(file))
      .map((file) =>
        fs.readFileSync(file, "utf8").split("\n").slice(-60).join("\n"),
      )
      .join("\n----\n");
  }
}

function isTrue(type: string, conditions: readonly Condition[] = []): boolean {
  return conditions.some((one) => one.type === type && one.status === "True");
}
