import type * as pulumi from "@pulumi/pulumi";
import type { GuestSshArgs } from "../guest/args";

/** How the machines of a cluster are made. */
export enum KubevirtStrategy {
  /** From snapshots when all that are needed are ready, else by bootstrap. */
  Auto = "auto",
  /** From snapshots; an error without them. */
  Snapshot = "snapshot",
  /** From an image, with kubeadm. */
  Bootstrap = "bootstrap",
}

/** What makes the pods of a cluster reach each other. */
export enum KubevirtCni {
  /** https://github.com/flannel-io/flannel */
  Flannel = "flannel",
  /** Whatever `manifest` has. */
  Manifest = "manifest",
  /** Nothing: your hooks see to it. */
  None = "none",
}

/** Where a node's software comes from. */
export enum KubevirtInstall {
  /** Debian's or Ubuntu's containerd, and Kubernetes from pkgs.k8s.io. */
  Packages = "packages",
  /** The image has containerd, kubelet, kubeadm and kubectl. */
  Image = "image",
}

/** How far a machine must have come. */
export enum KubevirtReadyUntil {
  /** Do not wait. */
  None = "none",
  /** KubeVirt says that it runs. */
  Running = "running",
  /** Its QEMU guest agent answers. */
  Agent = "agent",
}

/** How the inside of machines is reached. */
export enum KubevirtReach {
  /** Through the Kubernetes API (port-forward): needs no route to the addresses of pods. */
  Api = "api",
  /** At the machines' addresses in the pod network. */
  Address = "address",
}

/** How the API of a cluster is reached from outside. */
export enum KubevirtApiService {
  /** Not, but from inside the cluster that runs the machines. */
  ClusterIp = "clusterIp",
  /** At the address of a load balancer (https://kubernetes.io/docs/concepts/services-networking/service/#loadbalancer). */
  LoadBalancer = "loadBalancer",
}

/** What KubeVirt does with a machine that is off (https://kubevirt.io/user-guide/compute/run_strategies/). */
export enum KubevirtRunStrategy {
  /** It is started again. */
  Always = "Always",
  /** It is started again when it failed; one that was shut down stays off. */
  RerunOnFailure = "RerunOnFailure",
}

/** The snapshots that a cluster is made from. */
export interface KubevirtSnapshotNames {
  /** Their namespace. Default `vm-templates`. */
  namespace?: pulumi.Input<string>;
  /** Name of the control plane's VirtualMachineSnapshot. Default `cks-control-plane-base-snapshot`. */
  controlPlane?: pulumi.Input<string>;
  /** Name of the worker's VirtualMachineSnapshot. Default `cks-worker-base-snapshot`. */
  worker?: pulumi.Input<string>;
}

/** A PersistentVolumeClaim or DataSource. */
export interface KubevirtObjectRef {
  /** Its namespace. Default: the cluster's. */
  namespace?: pulumi.Input<string>;
  /** Its name. */
  name: pulumi.Input<string>;
}

/** The image that a machine is bootstrapped from: exactly one. */
export interface KubevirtImageArgs {
  /** A container disk, for example `quay.io/containerdisks/debian:12`. It is copied to the disk. */
  containerDisk?: pulumi.Input<string>;
  /** Address of an image that CDI knows: qcow2, raw, and compressed ones. */
  url?: pulumi.Input<string>;
  /** A claim that is cloned. */
  pvc?: KubevirtObjectRef;
  /** A DataSource of CDI. */
  dataSource?: KubevirtObjectRef;
}

/** What a machine of a cluster is like. */
export interface KubevirtMachineArgs {
  /**
   * Processors. Default 2, which is the least that kubeadm takes.
   * @minimum 1
   * @maximum 512
   * @asType integer
   */
  cores?: pulumi.Input<number>;
  /**
   * Memory in MiB. Default 4096.
   * @minimum 64
   * @maximum 16777216
   * @asType integer
   */
  memoryMib?: pulumi.Input<number>;
  /**
   * Size of the root disk in GiB, for machines that are made from now on. Default: 20 for a
   * bootstrap, and as it was for a clone, which can only be larger.
   * @minimum 1
   * @maximum 65536
   */
  diskSizeGib?: number;
}

/** What the namespace of a cluster may use, as a ResourceQuota. */
export interface KubevirtQuotaArgs {
  /** Processors of all machines together, with KubeVirt's own share. */
  cores?: pulumi.Input<number>;
  /** Memory of all machines together in MiB, with KubeVirt's own share. */
  memoryMib?: pulumi.Input<number>;
  /** Storage of all disks together in GiB. */
  storageGib?: pulumi.Input<number>;
  /** Number of claims. */
  disks?: pulumi.Input<number>;
}

/** Scripts of your own, run as root inside a machine that is bootstrapped. */
export interface KubevirtHooksArgs {
  /** Before anything is installed. */
  beforeInstall?: pulumi.Input<string>;
  /** Before kubeadm runs. */
  beforeKubeadm?: pulumi.Input<string>;
  /** When the node is a member of the cluster. */
  afterKubeadm?: pulumi.Input<string>;
}

/** The Kubernetes inside the machines. */
export interface KubevirtKubernetesArgs {
  /** Its version, 1.31.0 or later. Default `1.34.3`. */
  version?: pulumi.Input<string>;
  /** Network of the pods. Default `10.244.0.0/16`. */
  podNetwork?: pulumi.Input<string>;
  /** Network of the services. Default `10.96.0.0/12`. */
  serviceNetwork?: pulumi.Input<string>;
  /**
   * Network of the machines behind masquerade, a /16: every machine has a /24 of it, the same one in
   * each clone. Default `10.250.0.0/16`.
   */
  nodeNetwork?: string;
  /** Default `flannel`. */
  cni?: KubevirtCni;
  /**
   * Address of the network plugin's manifest, or its absolute path in the image. Default: that of
   * Flannel; needed for `manifest`.
   */
  manifest?: pulumi.Input<string>;
  /** Default `packages`. */
  install?: KubevirtInstall;
  /** Names and addresses that the API's certificate is for, beside its own. */
  certificateNames?: pulumi.Input<pulumi.Input<string>[]>;
  /** Scripts of your own. */
  hooks?: KubevirtHooksArgs;
}

/** What is waited for after the machines were made, and how long. */
export interface KubevirtReadyArgs {
  /** How far each machine must have come. Default `agent`. */
  until?: pulumi.Input<KubevirtReadyUntil>;
  /**
   * Longest time to wait, in seconds. Default 600. After it the update fails and shows the machine's
   * status, conditions and last events; the machine stays, and the next update waits again.
   * @minimum 1
   * @maximum 86400
   * @asType integer
   */
  timeoutSeconds?: pulumi.Input<number>;
}

/** Arguments of KubevirtCluster. */
export interface KubevirtClusterArgs {
  /**
   * Text of the kubeconfig of the cluster that runs KubeVirt, or its path. Default:
   * `kubernetes:kubeconfig` of the stack's configuration, else as for kubectl. A secret.
   */
  kubeconfig?: pulumi.Input<string>;
  /** Context of the kubeconfig. Default: `kubernetes:context`, else its current one. */
  context?: pulumi.Input<string>;
  /** A namespace that is there. Default: one of the cluster's own, made and deleted with it. */
  namespace?: string;
  /** What the cluster's own namespace may use. Default: no limit. */
  quota?: KubevirtQuotaArgs;
  /**
   * Stands in the machines' names, `cks-control-plane-SESSION`, and as a label on them. Default: the
   * component's name.
   */
  session?: string;
  /** Labels of all that is made, beside Corral's own. */
  labels?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** How the machines are made. Default `auto`. */
  strategy?: KubevirtStrategy;
  /** The snapshots, by name. */
  snapshots?: KubevirtSnapshotNames;
  /** Instead of `snapshots`: the newest ready snapshots of the machines with this session's label. */
  fromSession?: pulumi.Input<string>;
  /**
   * Whether `auto` bootstraps after all when the disks of ready snapshots do not come. Default true.
   */
  fallback?: pulumi.Input<boolean>;
  /**
   * Longest time that disks from snapshots may take, in seconds. Default 300.
   * @minimum 1
   * @maximum 86400
   * @asType integer
   */
  diskTimeoutSeconds?: pulumi.Input<number>;
  /**
   * A change decides anew between snapshots and bootstrap, and replaces all machines. Default 1.
   * @minimum 1
   * @maximum 1000000
   * @asType integer
   */
  generation?: number;
  /** The image for a bootstrap. Needed unless `strategy` is `snapshot`. */
  image?: KubevirtImageArgs;
  /**
   * Number of workers. Default 1.
   * @minimum 0
   * @maximum 255
   * @asType integer
   */
  workers?: number;
  /** What the control plane's machine is like. */
  controlPlane?: KubevirtMachineArgs;
  /** What the workers' machines are like. */
  worker?: KubevirtMachineArgs;
  /** What KubeVirt does with a machine that is off. Default `Always`. */
  runStrategy?: KubevirtRunStrategy;
  /** Storage class of the disks. Default: the default class. */
  storageClass?: string;
  /** The Kubernetes inside. */
  kubernetes?: KubevirtKubernetesArgs;
  /** How Corral logs in to the machines. */
  ssh?: GuestSshArgs;
  /** What is waited for. */
  ready?: KubevirtReadyArgs;
  /**
   * Whether Corral makes the machines one cluster from inside: clones get an identity of their own,
   * workers that go are drained, all nodes become Ready, the kubeconfig is read. Default true.
   */
  configureNodes?: boolean;
  /** How the inside of machines is reached. Default `api`. */
  reach?: pulumi.Input<KubevirtReach>;
  /**
   * How the API is reached from outside. Default `clusterIp`: from inside the cluster that runs the
   * machines only. `loadBalancer` needs one there, and puts its address into the kubeconfig.
   */
  apiService?: KubevirtApiService;
  /**
   * Address of the API that stands in the kubeconfig, where you see to it yourself. Default:
   * `https://cks-control-plane.NAMESPACE.svc:6443`, which is reached from inside the cluster that runs
   * the machines, or that of the load balancer.
   */
  apiServer?: pulumi.Input<string>;
  /**
   * Time that a machine is given to shut down, in seconds. Default 120.
   * @minimum 0
   * @maximum 86400
   * @asType integer
   */
  shutdownTimeoutSeconds?: pulumi.Input<number>;
}

/** A machine of a cluster. */
export interface KubevirtMachine {
  /** Name of the VirtualMachine. */
  name: string;
  /** `control-plane` or `worker`. */
  role: string;
  /** Name of the node inside the cluster, and of the Service that leads to it. */
  nodeName: string;
  /** Its address in the pod network when it was waited for; empty when nothing was. */
  address: string;
}

/** A snapshot that a cluster was made from. */
export interface KubevirtSnapshotInfo {
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
  /** What it was good for when it was chosen, in words. */
  status: string;
  /** The one machine that is cloned from it: a worker that came when the snapshot of the others was gone. */
  onlyFor?: string;
}
