import * as pulumi from "@pulumi/pulumi";
import { API_PORT } from "../core/kubevirt/kubeadm";
import type { KubeApi } from "../guest/ops/kube";
import type { KubeadmSecrets } from "../guest/ops/kubeadmSecrets";
import { KubevirtNodes } from "../guest/ops/kubevirtNodes";
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

/**
 * Makes the machines one cluster from inside.
 *
 * @returns its kubeconfig; empty when that is not wanted.
 */
export function makeNodes(
  args: KubevirtClusterArgs,
  made: readonly MadeMachine[],
  owner: NodesOwner,
): pulumi.Output<string> {
  const { component, name, namespace, decision, secrets, api } = owner;
  if (args.configureNodes === false) {
    return pulumi.output("");
  }
  const { kubernetes = {} } = args;
  const controlPlane = made[0]?.machine.nodeName ?? "";
  const nodes = new KubevirtNodes(
    `${name}-nodes`,
    {
      ...api,
      namespace,
      reach: args.reach,
      decided: decision.decided,
      nodes: made.map(({ machine, access, uid, address }) => ({
        nodeName: machine.nodeName,
        machine: machine.name,
        index: machine.index,
        instanceId: uid,
        address,
        user: access.user,
        port: access.port,
        privateKey: access.privateKey,
        hostKey: access.hostKey,
      })),
      nodeNetwork: kubernetes.nodeNetwork ?? DEFAULTS.nodeNetwork,
      flannel: networkPlugin(kubernetes.cni, "")?.isFlannel ?? false,
      token: secrets.token,
      server:
        args.apiServer ??
        `https://${controlPlane}.${namespace}.svc:${API_PORT}`,
      timeoutSeconds: args.ready?.timeoutSeconds ?? DEFAULTS.readySeconds,
    },
    { parent: component },
  );
  return nodes.adminKubeconfig;
}
