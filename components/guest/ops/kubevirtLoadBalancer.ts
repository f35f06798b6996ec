import * as pulumi from "@pulumi/pulumi";
import { withSecrets } from "../../shared/secrets";
import type { KubeApi } from "./kube";
import { opsOptions } from "./plugin";

/** Arguments of {@link KubevirtLoadBalancer}. */
export interface KubevirtLoadBalancerArgs extends KubeApi {
  /** Namespace of the Service. */
  namespace: pulumi.Input<string>;
  /** Name of the Service. */
  service: pulumi.Input<string>;
  /** Its uid: another one is another Service, waited for anew. */
  serviceId: pulumi.Input<string>;
  /** Longest time to wait, in seconds: 1 to 86400, default 600. */
  timeoutSeconds?: pulumi.Input<number>;
}

/**
 * The address that a load balancer gives to a Service: waits for it, bounded. A refresh takes the one
 * that it has then.
 */
export class KubevirtLoadBalancer extends pulumi.CustomResource {
  /** IP address or name. */
  declare readonly address: pulumi.Output<string>;

  constructor(
    name: string,
    args: KubevirtLoadBalancerArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "corral-ops:index:KubevirtLoadBalancer",
      name,
      { ...withSecrets(args, ["kubeconfig"]), address: undefined },
      opsOptions(opts),
    );
  }
}
