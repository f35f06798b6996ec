import * as pulumi from "@pulumi/pulumi";
import { withSecrets } from "../../shared/secrets";
import type { KubeApi } from "./kube";
import { opsOptions } from "./plugin";

/** A machine that a decision is about. */
export interface KubevirtDecisionMachine {
  /** Name of the machine. */
  name: pulumi.Input<string>;
  /** What it is in its cluster: `control-plane` or `worker`. */
  role: pulumi.Input<string>;
  /** Size of its root disk in GiB. Default: as it was. */
  diskSizeGib?: pulumi.Input<number | undefined>;
  /** Storage class of its disks. Default: the cluster's. */
  storageClass?: pulumi.Input<string | undefined>;
}

/** The snapshots that are looked for. */
export interface KubevirtSnapshotWish {
  /** Namespace of the snapshots. Default `vm-templates`. */
  namespace?: pulumi.Input<string | undefined>;
  /** The control plane's. Default `cks-control-plane-base-snapshot`. */
  controlPlane?: pulumi.Input<string | undefined>;
  /** The worker's. Default `cks-worker-base-snapshot`. */
  worker?: pulumi.Input<string | undefined>;
  /** Instead of names: the newest ready snapshots of the machines that carry this session. */
  fromSession?: pulumi.Input<string | undefined>;
}

/** A disk of a snapshot. */
export interface KubevirtDecidedDisk {
  /** Name of the volume. */
  volume: string;
  /** Name of its VolumeSnapshot. */
  volumeSnapshot: string;
  /** Its size in bytes. */
  sizeBytes: number;
}

/** A snapshot that machines are made from. */
export interface KubevirtDecidedSnapshot {
  /** Whose it is: `control-plane` or `worker`. */
  role: string;
  /** Its namespace. */
  namespace: string;
  /** Name of the VirtualMachineSnapshot. */
  name: string;
  /** When it was taken, RFC 3339. */
  createdAt: string;
  /** Kubernetes inside; empty when nothing says it. */
  kubernetesVersion: string;
  /** What it is good for, in words. */
  status: string;
  /** Its disks, the root disk first. */
  disks: KubevirtDecidedDisk[];
  /** The one machine that is cloned from it: a worker that came when the snapshot of the others was gone. */
  onlyFor?: string;
}

/** Arguments of {@link ProvisioningDecision}. */
export interface ProvisioningDecisionArgs extends KubeApi {
  /** Namespace of the machines. */
  namespace: pulumi.Input<string>;
  /** `auto` (the default), `snapshot` or `bootstrap`. */
  strategy?: pulumi.Input<string>;
  /** Whether `auto` bootstraps after all when the disks of ready snapshots do not come. Default true. */
  fallback?: pulumi.Input<boolean>;
  /** The snapshots that are looked for. */
  wanted: pulumi.Input<KubevirtSnapshotWish>;
  /** The machines that get disks now. */
  machines: pulumi.Input<pulumi.Input<KubevirtDecisionMachine>[]>;
  /** A change decides anew; nothing else does. Default 1. */
  generation?: pulumi.Input<number>;
  /** Id of the stamp of what is made. */
  stampId: pulumi.Input<string>;
  /** Labels of the disks; with the stamp among them. */
  labels?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** Annotations of the disks. */
  annotations?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** Longest time that cloned disks may take, in seconds: 1 to 86400, default 300. */
  timeoutSeconds?: pulumi.Input<number>;
}

/**
 * Whether a KubeVirt cluster is made from snapshots or bootstrapped, and why. Decided once and kept in
 * the state; another generation decides anew. A preview looks as well, and makes nothing.
 */
export class ProvisioningDecision extends pulumi.CustomResource {
  /** How the machines are made: `snapshot` or `bootstrap`. */
  declare readonly decided: pulumi.Output<string>;
  /** Why, in words. */
  declare readonly why: pulumi.Output<string>;
  /** Whether snapshots were ready and their disks did not come. */
  declare readonly fellBack: pulumi.Output<boolean>;
  /** The generation that was decided for. */
  declare readonly decidedGeneration: pulumi.Output<number>;
  /** The snapshots that are used; none for a bootstrap. */
  declare readonly snapshots: pulumi.Output<KubevirtDecidedSnapshot[]>;

  constructor(
    name: string,
    args: ProvisioningDecisionArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "corral-ops:index:ProvisioningDecision",
      name,
      {
        ...withSecrets(args, ["kubeconfig"]),
        decided: undefined,
        why: undefined,
        fellBack: undefined,
        decidedGeneration: undefined,
        snapshots: undefined,
      },
      opsOptions(opts),
    );
  }
}
