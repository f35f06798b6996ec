import type * as pulumi from "@pulumi/pulumi";

/** How a Kubernetes API is reached. */
export interface KubeApi {
  /** Text of a kubeconfig, or the path of one. Default: as for kubectl. A secret. */
  kubeconfig?: pulumi.Input<string | undefined>;
  /** Context of the kubeconfig. Default: its current one. */
  context?: pulumi.Input<string | undefined>;
}
