import { field } from "@corral-iac/corral/core/argumentRules";
import { adminKubeconfig } from "@corral-iac/corral/core/kubevirt/adminKubeconfig";
import { Type } from "@sinclair/typebox";
import type { Static } from "@sinclair/typebox";

import type { OperationContext } from "../frame/context";
import { choice, defineResource, fields } from "../frame/define";
import { systemClock } from "../guest/wait";
import { kubeAt } from "../kubevirt/clients";
import { putNodesRight, type ClusterNode } from "../kubevirt/nodes";
import { SshNodeShells } from "../kubevirt/nodeShells";
import { kubeFields, namespaceField } from "./kubeFields";

/** A machine that is a node, and how one gets into it. */
export const nodeFields = fields(
  {
    nodeName: Type.String({ minLength: 1, description: "Name of the node." }),
    machine: Type.String({ minLength: 1, description: "Name of its machine." }),
    index: Type.Integer({
      minimum: 0,
      maximum: 255,
      description: "0 for the control plane; workers count from 1.",
    }),
    instanceId: Type.String({
      description: "Another one is another machine, which is put right anew.",
    }),
    address: Type.String({ description: "Its address in the pod network." }),
    user: Type.String({ minLength: 1, description: "User to log in as." }),
    port: Type.Integer({
      minimum: 1,
      maximum: 65535,
      default: 22,
      description: "TCP port of its ssh server.",
    }),
    privateKey: Type.String({
      minLength: 1,
      secret: true,
      description: "Private key to log in with.",
    }),
    hostKey: Type.String({ minLength: 1, description: "Its public host key." }),
  },
  { title: "KubevirtNode" },
);

const doneNode = fields(
  {
    nodeName: Type.String({ description: "Name of the node." }),
    index: Type.Integer({ description: "Its place." }),
    instanceId: Type.String({ description: "Which machine it was." }),
  },
  { title: "KubevirtDoneNode" },
);

const inputFields = fields({
  ...kubeFields(),
  namespace: namespaceField(),
  reach: choice(["api", "address"], {
    title: "KubevirtReach",
    description:
      "`api`: through the Kubernetes API; `address`: at the machines' addresses.",
    default: "api",
  }),
  decided: choice(["snapshot", "bootstrap"], {
    title: "KubevirtDecidedStrategy",
    description: "How the machines are made.",
  }),
  nodes: Type.Array(nodeFields, {
    minItems: 1,
    description: "The nodes, the control plane first.",
  }),
  nodeNetwork: Type.String({ description: "Network of the machines, a /16." }),
  flannel: Type.Boolean({
    default: false,
    description: "Whether nodes tell Flannel the address of their Service.",
  }),
  token: Type.String({
    secret: true,
    description: "Token that machines join by which are bootstrapped.",
  }),
  server: Type.String({
    minLength: 1,
    description: "Address of the API that stands in the kubeconfig.",
  }),
  timeoutSeconds: Type.Integer({
    minimum: 1,
    maximum: 86400,
    default: 600,
    description: "Longest time for each wait, in seconds.",
  }),
});

const outputFields = fields({
  adminKubeconfig: Type.String({
    secret: true,
    description: "Kubeconfig of the cluster's administrator.",
  }),
  skippedSteps: Type.Array(Type.String(), {
    description: "Steps that failed and may, at the last run.",
  }),
  doneNodes: Type.Array(doneNode, {
    description: "The nodes as they were put right last.",
  }),
});

type Inputs = Static<typeof inputFields>;
type Outputs = Static<typeof outputFields>;

/** The machines of a cluster as nodes of it. */
export const kubevirtNodes = defineResource({
  token: "corral-ops:index:KubevirtNodes",
  description:
    "Makes machines of KubeVirt one Kubernetes cluster, from inside: clones are put right, further " +
    "workers join with an identity of their own, those that go are drained and removed, and all nodes " +
    "become Ready. Reaches them over ssh through the Kubernetes API. Nothing is undone when it is deleted.",
  inputs: inputFields,
  outputs: outputFields,

  async create(ctx, inputs) {
    const outputs = await putRight(ctx, inputs, []);
    return { id: `${inputs.namespace}/nodes`, outputs };
  },

  preview: ({ nodes, server }, old) =>
    old !== undefined &&
    typeof server === "string" &&
    Array.isArray(nodes) &&
    areDone(nodes, old.outputs.doneNodes)
      ? withServer(old.outputs, server)
      : {},

  /** The inside is entered for nodes that come or go only: base machines are off, or gone, after that. */
  async update(ctx, _id, { outputs }, inputs) {
    return areDone(inputs.nodes, outputs.doneNodes)
      ? withServer(outputs, inputs.server)
      : putRight(ctx, inputs, outputs.doneNodes);
  },
});

/** Whether these are the nodes that were put right last, each the same machine as then. */
function areDone(
  nodes: readonly unknown[],
  done: readonly ClusterNode[],
): boolean {
  return (
    nodes.length === done.length &&
    done.every(({ nodeName, instanceId }, index) => {
      const node = nodes[index];
      return (
        field(node, "nodeName") === nodeName &&
        field(node, "instanceId") === instanceId
      );
    })
  );
}

/** The kubeconfig that was read, with another address of the API in it. */
function withServer(outputs: Outputs, server: string): Outputs {
  return {
    ...outputs,
    adminKubeconfig: adminKubeconfig(
      outputs.adminKubeconfig,
      server,
      outputs.doneNodes[0]?.nodeName ?? "",
    ),
  };
}

async function putRight(
  ctx: OperationContext,
  inputs: Inputs,
  before: readonly ClusterNode[],
): Promise<Outputs> {
  const { nodes, namespace, reach, decided, nodeNetwork, flannel } = inputs;
  const shells = new SshNodeShells(
    namespace,
    nodes,
    reach,
    kubeAt(inputs),
    ctx,
    systemClock,
  );
  const { adminConf, skipped } = await putNodesRight(
    {
      decided,
      nodes,
      before,
      nodeNetwork,
      networkPlugin: flannel ? { manifest: "", isFlannel: true } : undefined,
      token: inputs.token,
      timeoutSeconds: inputs.timeoutSeconds,
    },
    shells,
    ctx.log,
  );
  return {
    adminKubeconfig: adminKubeconfig(
      adminConf,
      inputs.server,
      nodes[0]?.nodeName ?? "",
    ),
    skippedSteps: [...skipped],
    doneNodes: nodes.map(({ nodeName, index, instanceId }) => ({
      nodeName,
      index,
      instanceId,
    })),
  };
}
