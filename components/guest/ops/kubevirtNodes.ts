import * as pulumi from "@pulumi/pulumi";
import { withSecrets } from "../../shared/secrets";
import type { KubeApi } from "./kube";
import { opsOptions } from "./plugin";

/** A machine that is a node. */
export interface KubevirtNode {
  /** Name of the node. */
  nodeName: pulumi.Input<string>;
  /** Name of its machine. */
  machine: pulumi.Input<string>;
  /** 0 for the control plane; workers count from 1. */
  index: pulumi.Input<number>;
  /** Another one is another machine, which is put right anew. */
  instanceId: pulumi.Input<string>;
  /** Its address in the pod network. */
  address: pulumi.Input<string>;
  /** User to log in as. */
  user: pulumi.Input<string>;
  /** TCP port of its ssh server. Default 22. */
  port?: pulumi.Input<number>;
  /** Private key to log in with. A secret. */
  privateKey: pulumi.Input<string>;
  /** Its public host key. */
  hostKey: pulumi.Input<string>;
}

/** A node as it was put right last. */
export interface KubevirtDoneNode {
  /** Name of the node. */
  nodeName: string;
  /** Its place. */
  index: number;
  /** Which machine it was. */
  instanceId: string;
}

/** Arguments of {@link KubevirtNodes}. */
export interface KubevirtNodesArgs extends KubeApi {
  /** Namespace of the machines. */
  namespace: pulumi.Input<string>;
  /** `api` (the default): through the Kubernetes API; `address`: at the machines' addresses. */
  reach?: pulumi.Input<string>;
  /** How the machines are made: `snapshot` or `bootstrap`. */
  decided: pulumi.Input<string>;
  /** The nodes, the control plane first. */
  nodes: pulumi.Input<pulumi.Input<KubevirtNode>[]>;
  /** Network of the machines, a /16. */
  nodeNetwork: pulumi.Input<string>;
  /** Whether nodes tell Flannel the address of their Service. Default false. */
  flannel?: pulumi.Input<boolean>;
  /** Token that machines join by which are bootstrapped. A secret. */
  token: pulumi.Input<string>;
  /** Address of the API that stands in the kubeconfig. */
  server: pulumi.Input<string>;
  /** Longest time for each wait, in seconds: 1 to 86400, default 600. */
  timeoutSeconds?: pulumi.Input<number>;
}

/**
 * Makes machines of KubeVirt one Kubernetes cluster, from inside: clones are put right, further workers
 * join with an identity of their own, those that go are drained and removed, all nodes become Ready.
 */
export class KubevirtNodes extends pulumi.CustomResource {
  /** Kubeconfig of the cluster's administrator. A secret. */
  declare readonly adminKubeconfig: pulumi.Output<string>;
  /** Steps that failed and may, at the last run. */
  declare readonly skippedSteps: pulumi.Output<string[]>;
  /** The nodes as they were put right last. */
  declare readonly doneNodes: pulumi.Output<KubevirtDoneNode[]>;

  constructor(
    name: string,
    args: KubevirtNodesArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "corral-ops:index:KubevirtNodes",
      name,
      {
        ...withSecrets(args, ["kubeconfig", "privateKey", "token"]),
        adminKubeconfig: undefined,
        skippedSteps: undefined,
        doneNodes: undefined,
      },
      opsOptions(opts, { additionalSecretOutputs: ["adminKubeconfig"] }),
    );
  }
}
