import assert from "node:assert/strict";
import { unknown } from "@corral-iac/corral-ops/frame/value";
import { closeKubeClients } from "@corral-iac/corral-ops/kubevirt/clients";
import { kubevirtNodes } from "@corral-iac/corral-ops/resources/kubevirtNodes";
import { kubevirtRollout } from "@corral-iac/corral-ops/resources/kubevirtRollout";
import { parse } from "yaml";
import { KubeApi } from "./kubeApi";
import { quietContext } from "./objects";

const ctx = quietContext("web-nodes");
/** Nobody gets into a machine with it. */
const STOPPED = AbortSignal.abort();
const NAMES = ["cks-control-plane", "cks-worker-node"];
const ADMIN_CONF = [
  "clusters: [{name: k, cluster: {server: 'https://a:6443'}}]",
  "users: [{name: u}]",
].join("\n");

describe("another way to the same machines", () => {
  let api: KubeApi;

  beforeEach(async () => {
    api = await KubeApi.start();
  });
  afterEach(async () => {
    closeKubeClients();
    await api.stop();
  });

  const nodesInputs = () => ({
    kubeconfig: api.kubeconfig(),
    namespace: "t",
    reach: "api" as const,
    decided: "bootstrap" as const,
    nodes: NAMES.map((nodeName, index) => ({
      nodeName,
      machine: `${nodeName}-web`,
      index,
      instanceId: `uid-${index}`,
      address: "10.0.0.1",
      user: "corral",
      port: 22,
      privateKey: "none",
      hostKey: "none",
    })),
    nodeNetwork: "10.250.0.0/16",
    flannel: true,
    token: "abcdef.0123456789abcdef",
    server: "https://a:6443",
    timeoutSeconds: 1,
  });
  const outputs = {
    adminKubeconfig: ADMIN_CONF,
    skippedSteps: ["cks-worker-node: restart kubelet"],
    doneNodes: NAMES.map((nodeName, index) => ({
      nodeName,
      index,
      instanceId: `uid-${index}`,
    })),
  };
  type Inputs = ReturnType<typeof nodesInputs>;

  const update = async (changed: object, signal = ctx.signal) =>
    kubevirtNodes.update?.(
      { ...ctx, signal },
      "t/nodes",
      { inputs: nodesInputs(), outputs },
      { ...nodesInputs(), ...changed } as Inputs,
    );
  const preview = (changed: object) =>
    kubevirtNodes.preview?.({ ...nodesInputs(), ...changed } as Inputs, {
      inputs: nodesInputs(),
      outputs,
    });
  const serverOf = (text = "") =>
    (parse(text) as { clusters: { cluster: { server: string } }[] }).clusters[0]
      ?.cluster.server;

  it("does not enter nodes that are done, whatever else has changed", async () => {
    const nodes = nodesInputs().nodes.map((node) => ({
      ...node,
      user: "other",
      address: "",
      privateKey: "another",
    }));
    for (const changed of [
      { kubeconfig: `${api.kubeconfig()}\n# another token` },
      { timeoutSeconds: 2, reach: "address" },
      { nodes },
      { flannel: false, nodeNetwork: "10.1.0.0/16", token: "another" },
    ]) {
      const { adminKubeconfig, ...left } = (await update(changed)) ?? {};
      assert.equal(serverOf(adminKubeconfig), "https://a:6443");
      const { adminKubeconfig: _before, ...before } = outputs;
      assert.deepEqual(left, before);
      assert.deepEqual(preview(changed), { ...left, adminKubeconfig });
    }
    assert.deepEqual(api.asked, []);
  });

  it("writes another address of the API into the kubeconfig that was read, and the same one changes nothing", async () => {
    const changed = await update({ server: "https://b:6443" });
    assert.equal(serverOf(changed?.adminKubeconfig), "https://b:6443");
    assert.deepEqual(preview({ server: "https://b:6443" }), changed);
    assert.deepEqual(preview({ server: unknown }), {});
    const again = await kubevirtNodes.update?.(
      ctx,
      "t/nodes",
      { inputs: nodesInputs(), outputs: changed ?? outputs },
      { ...nodesInputs(), server: "https://b:6443" },
    );
    assert.deepEqual(again, changed);
    assert.deepEqual(api.asked, []);
  });

  it("enters nodes of which one is another machine, comes or goes", async () => {
    const { nodes } = nodesInputs();
    const another = nodes.map((node) => ({ ...node, instanceId: "another" }));
    for (const changed of [another, nodes.slice(0, 1), [...nodes, ...nodes]]) {
      await assert.rejects(update({ nodes: changed }, STOPPED), /stopped/);
      assert.deepEqual(preview({ nodes: changed }), {});
    }
    assert.deepEqual(preview({ nodes: unknown }), {});
  });

  it("does not look whether machines restart that were not changed", async () => {
    const rollout = (declared: number, kubeconfig = api.kubeconfig()) => ({
      kubeconfig,
      namespace: "t",
      machines: NAMES.map((nodeName, index) => ({
        machine: `${nodeName}-web`,
        nodeName,
        index,
        instanceId: `uid-${index}`,
        declared,
        address: "10.0.0.1",
      })),
      nodes: nodesInputs().nodes,
      reach: "api" as const,
      until: "running" as const,
      timeoutSeconds: 1,
    });
    const old = {
      inputs: rollout(1),
      outputs: { addresses: { "cks-worker-node-web": "10.0.0.7" } },
    };
    const same = rollout(1, `${api.kubeconfig()}\n# another token`);
    assert.deepEqual(
      await kubevirtRollout.update?.(ctx, "t/rollout", old, same),
      old.outputs,
    );
    assert.deepEqual(kubevirtRollout.preview?.(same, old), old.outputs);
    assert.deepEqual(api.asked, []);
    await assert.rejects(
      kubevirtRollout.update?.(ctx, "t/rollout", old, rollout(2)) ??
        Promise.resolve(),
    );
    assert.notDeepEqual(api.asked, []);
  });
});
