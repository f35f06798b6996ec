import * as pulumi from "@pulumi/pulumi";
import { withSecrets } from "../../shared/secrets";
import type { KubeApi } from "./kube";
import { opsOptions } from "./plugin";

/** Arguments of {@link KubevirtReady}. */
export interface KubevirtReadyArgs extends KubeApi {
  /** Namespace of the machine. */
  namespace: pulumi.Input<string>;
  /** Name of the VirtualMachine. */
  machine: pulumi.Input<string>;
  /** Its uid: another one is another machine, waited for anew. */
  machineId: pulumi.Input<string>;
  /** How far it must have come: `none`, `running` (the default) or `agent`. */
  until?: pulumi.Input<string>;
  /** Longest time to wait, in seconds: 1 to 86400, default 300. */
  timeoutSeconds?: pulumi.Input<number>;
}

/**
 * A machine of KubeVirt that runs, or whose guest agent answers: waits, bounded. If it does not get so
 * far, the error shows its status, conditions and last events. A refresh never waits.
 */
export class KubevirtReady extends pulumi.CustomResource {
  /** Its address in the pod network when it was waited for; empty when nothing was. */
  declare readonly address: pulumi.Output<string>;

  constructor(
    name: string,
    args: KubevirtReadyArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "corral-ops:index:KubevirtReady",
      name,
      { ...withSecrets(args, ["kubeconfig"]), address: undefined },
      opsOptions(opts),
    );
  }
}
