import * as pulumi from "@pulumi/pulumi";
import { withSecrets } from "../../shared/secrets";
import type { KubeApi } from "./kube";
import type { KubevirtNode } from "./kubevirtNodes";
import { opsOptions } from "./plugin";

/** A machine that may have to restart. */
export interface KubevirtRolledMachine {
  /** Name of the machine. */
  machine: pulumi.Input<string>;
  /** Name of its node. */
  nodeName: pulumi.Input<string>;
  /** 0 for the control plane; workers count from 1. */
  index: pulumi.Input<number>;
  /** Another one is another machine. */
  instanceId: pulumi.Input<string>;
  /** Generation of the VirtualMachine: another one was changed. */
  declared: pulumi.Input<number>;
  /** Its address in the pod network when it was waited for. */
  address: pulumi.Input<string>;
}

/** Arguments of {@link KubevirtRollout}. */
export interface KubevirtRolloutArgs extends KubeApi {
  /** Namespace of the machines. */
  namespace: pulumi.Input<string>;
  /** The machines, the control plane first. */
  machines: pulumi.Input<pulumi.Input<KubevirtRolledMachine>[]>;
  /** How one gets into them, to drain workers before. Default: nothing is drained. */
  nodes?: pulumi.Input<pulumi.Input<KubevirtNode>[]>;
  /** How the inside of machines is reached: `api` (the default) or `address`. */
  reach?: pulumi.Input<string>;
  /** How far a machine must be back before the next one's turn: `running` (the default) or `agent`. */
  until?: pulumi.Input<string>;
  /** Longest time for each wait, in seconds: 1 to 86400, default 600. */
  timeoutSeconds?: pulumi.Input<number>;
}

/**
 * Brings machines of KubeVirt that were changed up to date: those that KubeVirt cannot change while they
 * run restart one after the other, workers drained before and first, each waited for.
 */
export class KubevirtRollout extends pulumi.CustomResource {
  /** Addresses in the pod network, by machine. */
  declare readonly addresses: pulumi.Output<Record<string, string>>;

  constructor(
    name: string,
    args: KubevirtRolloutArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "corral-ops:index:KubevirtRollout",
      name,
      {
        ...withSecrets(args, ["kubeconfig", "privateKey"]),
        addresses: undefined,
      },
      opsOptions(opts),
    );
  }
}
