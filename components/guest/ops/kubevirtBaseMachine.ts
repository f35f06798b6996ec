import * as pulumi from "@pulumi/pulumi";
import { withSecrets } from "../../shared/secrets";
import type { KubeApi } from "./kube";
import { opsOptions } from "./plugin";

/** Arguments of {@link KubevirtBaseMachine}. */
export interface KubevirtBaseMachineArgs extends KubeApi {
  /** Namespace of the machine. */
  namespace: pulumi.Input<string>;
  /** Name of the VirtualMachine. */
  machine: pulumi.Input<string>;
  /** Name of the VirtualMachineSnapshot that it is made for. */
  snapshot: pulumi.Input<string>;
  /** A change makes it anew. Default 1. */
  generation?: pulumi.Input<number>;
  /** Id of the stamp of what is made. */
  stampId: pulumi.Input<string>;
  /** Labels of the machine; with the stamp among them. */
  labels?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** Annotations of the machine. */
  annotations?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** Spec of the VirtualMachine, as JSON. */
  spec: pulumi.Input<string>;
}

/**
 * A VirtualMachine that is made for the snapshot that is taken of it. Once that is ready the machine may
 * be gone without being made anew.
 */
export class KubevirtBaseMachine extends pulumi.CustomResource {
  /** Another one is another machine. */
  declare readonly uid: pulumi.Output<string>;

  constructor(
    name: string,
    args: KubevirtBaseMachineArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "corral-ops:index:KubevirtBaseMachine",
      name,
      { ...withSecrets(args, ["kubeconfig"]), uid: undefined },
      opsOptions(opts),
    );
  }
}
