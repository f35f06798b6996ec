import * as pulumi from "@pulumi/pulumi";
import type { KubeApi } from "../guest/ops/kube";
import type { KubeadmSecrets } from "../guest/ops/kubeadmSecrets";
import { type KubevirtNode, KubevirtNodes } from "../guest/ops/kubevirtNodes";
import { KubevirtRollout } from "../guest/ops/kubevirtRollout";
import type { ProvisioningDecision } from "../guest/ops/provisioningDecision";
import type { KubevirtClusterArgs } from "./args";
import { networkPlugin } from "./cluster";
import { DEFAULTS } from "./defaults";
import type { MadeMachine } from "./machine";

/** Whose machines they are. */
export interface NodesOwner {
  readonly component: pulumi.ComponentResource;
  /** The component's name. */
  readonly name: string;
  readonly namespace: string;
  readonly decision: ProvisioningDecision;
  readonly secrets: KubeadmSecrets;
  readonly api: KubeApi;
}

/** How Corral gets into machines. */
export function nodesOf(made: readonly MadeMachine[]): KubevirtNode[] {
  return made.map(({ machine, access, uid, address }) => ({
    nodeName: machine.nodeName,
    machine: machine.name,
    index: machine.index,
    instanceId: uid,
    address,
    user: access.user,
    port: access.port,
    privateKey: access.privateKey,
    hostKey: access.hostKey,
  }));
}

/**
 * Restarts machines that were changed, where they have to.
 *
 * @returns the machines with the addresses that they have from then on.
 */
export function rollOut(
  args: KubevirtClusterArgs,
  made: readonly MadeMachine[],
  { component, name, namespace, api }: NodesOwner,
): MadeMachine[] {
  const { until = "agent", timeoutSeconds = DEFAULTS.readySeconds } =
    args.ready ?? {};
  const rollout = new KubevirtRollout(
    `${name}-rollout`,
    {
      ...api,
      namespace,
      machines: made.map(({ machine, uid, declared, address }) => ({
        machine: machine.name,
        nodeName: machine.nodeName,
        index: machine.index,
        instanceId: uid,
        declared,
        address,
      })),
      nodes: args.configureNodes === false ? [] : nodesOf(made),
      reach: args.reach,
      until: pulumi
        .output(until)
        .apply((stage) => (stage === "agent" ? "agent" : "running")),
      timeoutSeconds,
    },
    { parent: component },
  );
  return made.map((one) => ({
    ...one,
    address: rollout.addresses.apply((all) => all[one.machine.name] ?? ""),
  }));
}

/**
 * Makes the machines one cluster from inside.
 *
 * @param owner.server address of the API in the kubeconfig.
 */
export function makeNodes(
  args: KubevirtClusterArgs,
  made: readonly MadeMachine[],
  owner: NodesOwner & { readonly server: pulumi.Input<string> },
): KubevirtNodes {
  const { component, name, namespace, decision, secrets, api } = owner;
  const { kubernetes = {} } = args;
  return new KubevirtNodes(
    `${name}-nodes`,
    {
      ...api,
      namespace,
      reach: args.reach,
      decided: decision.decided,
      nodes: nodesOf(made),
      nodeNetwork: kubernetes.nodeNetwork ?? DEFAULTS.nodeNetwork,
      flannel: networkPlugin(kubernetes.cni, "")?.isFlannel ?? false,
      token: secrets.token,
      server: owner.server,
      timeoutSeconds: args.ready?.timeoutSeconds ?? DEFAULTS.readySeconds,
    },
    { parent: component },
  );
}
