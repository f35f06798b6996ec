import assert from "node:assert/strict";
import * as fs from "node:fs";
import type { KubevirtLab } from "@corral-iac/tools/lab/kubevirt/index";
import { field } from "@corral-iac/corral/core/argumentRules";
import { becomes } from "@corral-iac/tools/lab/processes";
import { parse } from "yaml";
import { PlayedNode } from "../../support/kubevirtGuest";
import { sharedKubevirt } from "../../support/kubevirtLab";
import { KubevirtProgram } from "../../support/kubevirtProgram";

const NAMESPACE = "corral-kubenodes-web";

describe("the nodes of a KubevirtCluster, through the Kubernetes API", function () {
  this.timeout(300_000);
  let lab: KubevirtLab;
  let program: KubevirtProgram;
  const played = new Map<string, PlayedNode>();

  before(async function () {
    this.timeout(1_800_000);
    lab = await sharedKubevirt();
    program = await KubevirtProgram.make("kubenodes");
  });

  after(async () => {
    await program.remove();
    for (const node of played.values()) {
      await node.stop();
    }
  });

  async function up(
    workers: number,
    added: readonly string[],
    memoryMib = 1024,
    more: object = {},
  ) {
    program.declare({
      web: {
        kubeconfig: lab.kubeconfig,
        strategy: "bootstrap",
        image: { url: "http://images.example/debian.qcow2" },
        workers,
        controlPlane: { memoryMib: 1024 },
        worker: { memoryMib },
        ssh: { user: "root" },
        ready: { timeoutSeconds: 90 },
        apiServer: "https://cluster.example.org:6443",
        ...more,
      },
    });
    const [{ exitCode, output }] = await Promise.all([
      program.stack.up(),
      ...added.map(async (machine) =>
        played.set(machine, await PlayedNode.of(lab, NAMESPACE, machine)),
      ),
    ]);
    assert.equal(exitCode, 0, output);
    return output;
  }

  it("are reached with the host keys that they were given, and made one cluster", async () => {
    await up(1, ["cks-control-plane-web", "cks-worker-node-web"]);
    // In the order of their names, not in that in which they came up.
    const [controlPlane, worker] = [
      "cks-control-plane-web",
      "cks-worker-node-web",
    ].map((machine) => played.get(machine)?.called);
    assert.ok(
      controlPlane?.some((line) =>
        /kubectl .*wait --for=condition=Ready .*node\/cks-control-plane node\/cks-worker-node$/.test(
          line,
        ),
      ),
      controlPlane?.join("\n"),
    );
    assert.ok(worker?.includes("cloud-init status --wait"));
  });

  it("give a kubeconfig with the address asked for, which the state keeps secret", async () => {
    assert.deepEqual(await clusterInKubeconfig(), {
      server: "https://cluster.example.org:6443",
      "tls-server-name": "cks-control-plane",
    });
    const { text } = await program.stack.exportedState();
    assert.doesNotMatch(text, /planted-admin/);
    assert.doesNotMatch(text, /BEGIN OPENSSH PRIVATE KEY/);
    const token = /token: "?([a-z0-9]{6}\.[a-z0-9]{16})/.exec(text);
    assert.equal(token, null);
  });

  it("give one with the address of a load balancer, where that is asked for", async () => {
    const service = ["service", "cks-control-plane-api", "-n", NAMESPACE];
    const type = () =>
      lab
        .kubectl("get", ...service, "-o", "jsonpath={.spec.type}")
        .catch(() => "");
    const status = { loadBalancer: { ingress: [{ ip: "192.0.2.80" }] } };
    await Promise.all([
      up(1, [], 1024, { apiServer: undefined, apiService: "loadBalancer" }),
      // As a load balancer does; the lab has none.
      (async () => {
        assert.ok(await becomes(async () => (await type()) !== "", 120));
        await lab.kubectl(
          ...["patch", ...service, "--subresource=status", "--type=merge"],
          ...["-p", JSON.stringify({ status })],
        );
      })(),
    ]);
    assert.equal(await type(), "LoadBalancer");
    assert.deepEqual(await clusterInKubeconfig(), {
      server: "https://192.0.2.80:6443",
      "tls-server-name": "cks-control-plane",
    });
    await up(1, []);
    assert.equal(await type(), "");
  });

  it("are not entered again by another way to them, another address of the API only is written", async () => {
    const calls = () => [...played.values()].flatMap(({ called }) => called);
    const before = calls();
    await up(1, [], 1024, {
      kubeconfig: `${fs.readFileSync(lab.kubeconfig, "utf8")}\n# another token\n`,
      reach: "address",
      ready: { timeoutSeconds: 80 },
      apiServer: "https://other.example.org:6443",
    });
    assert.deepEqual(calls(), before);
    assert.equal(
      field(await clusterInKubeconfig(), "server"),
      "https://other.example.org:6443",
    );
    await up(1, []);
    assert.deepEqual(calls(), before);
  });

  it("get a worker more, whose token is made valid again, and a worker less, which is drained", async () => {
    const before = played.get("cks-control-plane-web")?.called.length ?? 0;
    await up(2, ["cks-worker-node-web-2"]);
    const calls = () =>
      played.get("cks-control-plane-web")?.called.slice(before) ?? [];
    assert.ok(
      calls().some((line) => line.includes("secret bootstrap-token-")),
      calls().join("\n"),
    );
    await up(1, []);
    assert.ok(
      calls().some((line) => /kubectl .*drain cks-worker-node-2 /.test(line)),
      calls().join("\n"),
    );
  });

  it("become larger: a worker is drained before its machine restarts, and waited for after", async () => {
    const worker = "cks-worker-node-web";
    const before = played.get("cks-control-plane-web")?.called.length ?? 0;
    const old = played.get(worker);
    const was = await instanceOf(worker);
    const again = (async () => {
      assert.ok(
        await becomes(async () => {
          const now = await instanceOf(worker);
          return now !== "" && now !== was;
        }, 120),
      );
      await old?.stop();
      played.set(worker, await PlayedNode.of(lab, NAMESPACE, worker));
    })();
    await Promise.all([up(1, [], 2048), again]);
    const calls = played.get("cks-control-plane-web")?.called.slice(before);
    const steps = ["drain cks-worker-node ", "wait --for=condition=Ready"].map(
      (words) => calls?.findIndex((line) => line.includes(words)) ?? -1,
    );
    assert.ok(
      steps.every((at) => at >= 0) && (steps[0] ?? 0) < (steps[1] ?? 0),
      calls?.join("\n"),
    );
  });

  /** What the kubeconfig says of the cluster. */
  async function clusterInKubeconfig(): Promise<object | undefined> {
    const { output } = await program.stack.pulumi(
      ...["stack", "output", "--json", "--show-secrets"],
    );
    const outputs = JSON.parse(output.replace(/^[^{]*/, "")) as Record<
      string,
      string
    >;
    const config = parse(outputs["web.kubeconfig"] ?? "") as {
      clusters: { cluster: object }[];
    };
    return config.clusters[0]?.cluster;
  }

  async function instanceOf(machine: string): Promise<string> {
    try {
      return await lab.kubectl(
        ...["get", "vmi", machine, "-n", NAMESPACE],
        ...["-o", "jsonpath={.metadata.uid}"],
      );
    } catch {
      return ""; // Between two instances there is none.
    }
  }
});
