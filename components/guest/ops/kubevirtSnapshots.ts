import * as pulumi from "@pulumi/pulumi";
import { withSecrets } from "../../shared/secrets";
import type { KubeApi } from "./kube";
import type { KubevirtNode } from "./kubevirtNodes";
import { opsOptions } from "./plugin";

/** A machine and the snapshot that is taken of it. */
export interface KubevirtSnapshotOrder {
  /** Name of the machine. */
  machine: pulumi.Input<string>;
  /** What it is in its cluster: `control-plane` or `worker`. */
  role: pulumi.Input<string>;
  /** Name of the VirtualMachineSnapshot. */
  name: pulumi.Input<string>;
  /** The name that clusters look for it by. */
  standsFor: pulumi.Input<string>;
}

/** A snapshot that was taken. */
export interface KubevirtTakenSnapshot {
  /** Whose it is: `control-plane` or `worker`. */
  role: string;
  /** Name of the VirtualMachineSnapshot. */
  name: string;
  /** When it was taken, RFC 3339. */
  createdAt: string;
  /** What it is good for, in words. */
  status: string;
}

/** Arguments of {@link KubevirtSnapshots}. */
export interface KubevirtSnapshotsArgs extends KubeApi {
  /** Namespace of the machines and snapshots. */
  namespace: pulumi.Input<string>;
  /** The machines, and the snapshots to take of them. */
  orders: pulumi.Input<pulumi.Input<KubevirtSnapshotOrder>[]>;
  /** A change takes new ones, and then removes the old. Default 1. */
  generation?: pulumi.Input<number>;
  /** Machines that are cleaned before. Default: none. */
  clean?: pulumi.Input<pulumi.Input<KubevirtNode>[]>;
  /** Whether the machines are stopped before. Default true. */
  stop?: pulumi.Input<boolean>;
  /** Whether machines of this stack are removed when the snapshots are ready. Default false. */
  removeMachines?: pulumi.Input<boolean>;
  /** How the inside of machines is reached: `api` (the default) or `address`. */
  reach?: pulumi.Input<string>;
  /** Id of the stamp of what is made. */
  stampId: pulumi.Input<string>;
  /** Labels of the snapshots; with the stamp among them. */
  labels?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** Annotations of the snapshots. */
  annotations?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** Longest time for stopping and snapshots together, in seconds: 1 to 86400, default 900. */
  timeoutSeconds?: pulumi.Input<number>;
}

/** Snapshots of the machines of a cluster, taken together and waited for until all are ready to use. */
export class KubevirtSnapshots extends pulumi.CustomResource {
  /** The snapshots. */
  declare readonly taken: pulumi.Output<KubevirtTakenSnapshot[]>;

  constructor(
    name: string,
    args: KubevirtSnapshotsArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "corral-ops:index:KubevirtSnapshots",
      name,
      {
        ...withSecrets(args, ["kubeconfig", "privateKey"]),
        taken: undefined,
      },
      opsOptions(opts),
    );
  }
}
