import type * as pulumi from "@pulumi/pulumi";
import type { GuestSshArgs } from "../guest/args";
import type {
  KubevirtClusterArgs,
  KubevirtImageArgs,
  KubevirtKubernetesArgs,
  KubevirtMachineArgs,
  KubevirtReach,
  KubevirtReadyArgs,
} from "./args";

export type { KubevirtClusterArgs };

/** Arguments of KubevirtBaseSnapshots. */
export interface KubevirtBaseSnapshotsArgs {
  /** As for KubevirtCluster. A secret. */
  kubeconfig?: pulumi.Input<string>;
  /** As for KubevirtCluster. */
  context?: pulumi.Input<string>;
  /**
   * Namespace of the machines and their snapshots. Default `vm-templates`; with `fromSession` it must be
   * given.
   */
  namespace?: string;
  /**
   * Whether the namespace is made, and deleted with the snapshots. Default true; with `fromSession` it
   * is the session's own.
   */
  createNamespace?: boolean;
  /** Name that clusters find the control plane's snapshot by. Default `cks-control-plane-SESSION-snapshot`. */
  controlPlaneSnapshot?: string;
  /** Name that clusters find the worker's snapshot by. Default `cks-worker-SESSION-snapshot`. */
  workerSnapshot?: string;
  /**
   * A change makes the base machines and their snapshots anew, and removes the old snapshots when the
   * new ones are ready. Default 1.
   * @minimum 1
   * @maximum 1000000
   * @asType integer
   */
  generation?: number;
  /** Stands in the base machines' names. Default `base`. */
  session?: string;
  /**
   * Instead of a base cluster: the running machines `cks-control-plane-SESSION` and
   * `cks-worker-node-SESSION` of this session are snapshotted as they are. They stay untouched.
   */
  fromSession?: string;
  /**
   * Whether the base machines stay, stopped, when their snapshots are ready. With `false` they and
   * their disks are removed, and made anew for the next generation. Default true.
   */
  keepMachines?: boolean;
  /** Labels of all that is made, beside Corral's own. */
  labels?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** The image that the base machines are bootstrapped from. Needed unless `fromSession` is given. */
  image?: KubevirtImageArgs;
  /** What the control plane's machine is like. */
  controlPlane?: KubevirtMachineArgs;
  /** What the worker's machine is like. */
  worker?: KubevirtMachineArgs;
  /** Storage class of the disks. Default: the default class. */
  storageClass?: string;
  /** The Kubernetes inside. */
  kubernetes?: KubevirtKubernetesArgs;
  /** How Corral logs in to the machines. */
  ssh?: GuestSshArgs;
  /** What is waited for. */
  ready?: KubevirtReadyArgs;
  /** As for KubevirtCluster; without it the machines are not cleaned either. Default true. */
  configureNodes?: boolean;
  /** How the inside of machines is reached. Default `api`. */
  reach?: pulumi.Input<KubevirtReach>;
  /**
   * Longest time for stopping the machines and for both snapshots, in seconds. Default 900.
   * @minimum 1
   * @maximum 86400
   * @asType integer
   */
  snapshotTimeoutSeconds?: pulumi.Input<number>;
}

/** A snapshot of a base machine. */
export interface KubevirtBaseSnapshotInfo {
  /** Whose it is: `control-plane` or `worker`. */
  role: string;
  /** Name of the VirtualMachineSnapshot. */
  name: string;
  /** When it was taken, RFC 3339. */
  createdAt: string;
  /** What it is good for, in words. */
  status: string;
}
