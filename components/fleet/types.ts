import type * as pulumi from "@pulumi/pulumi";
import type { Accelerator, LibvirtVmArgs } from "../libvirt/args";
import type { KubevirtClusterArgs } from "../kubevirt/args";
import type { KubevirtBaseSnapshotsArgs } from "../kubevirt/baseArgs";
import type { MicroVmArgs, MicroVmInterfaceArgs } from "../microvm/args";
import type { MicroVmHostArgs } from "../microvm/hostArgs";
import type { ProxmoxNodeSshArgs, ProxmoxVmArgs } from "../proxmox/args";

/** A value that does not stand in the fleet file: a secret of the stack's configuration. */
export interface FromConfig {
  /** Key set by `pulumi config set --secret KEY`. */
  fromConfig: string;
}

/** One environment: its hypervisors and its machines. Every part may be left out. */
export interface Fleet {
  /** The hypervisors, under names of your own. */
  hypervisors?: Record<string, Hypervisor>;
  /** The machines, under their names. */
  machines?: Record<string, Machine>;
  /** Linux hosts for microVMs, each with a network of that name, under names of your own. */
  microVmHosts?: Record<string, MicroVmHostArgs>;
  /** MicroVMs, under their names. No machine may be called the same. */
  microVms?: Record<string, FleetMicroVm>;
  /** Clusters with KubeVirt, under names of your own. */
  kubevirts?: Record<string, FleetKubevirt>;
  /** Snapshots of a base cluster or a session on them, under their names. */
  kubevirtBaseSnapshots?: Record<string, FleetKubevirtBaseSnapshots>;
  /** Kubernetes clusters of KubeVirt machines, under their names. */
  kubevirtClusters?: Record<string, FleetKubevirtCluster>;
}

/** A cluster that runs KubeVirt. */
export interface FleetKubevirt {
  /** Text of its kubeconfig, `fromConfig: KEY`, or its path. Default: as for kubectl. */
  kubeconfig?: pulumi.Input<string>;
  /** Context of the kubeconfig. Default: its current one. */
  context?: string;
}

/** Snapshots that clusters are cloned from. */
export interface FleetKubevirtBaseSnapshots extends Omit<
  KubevirtBaseSnapshotsArgs,
  "kubeconfig" | "context"
> {
  /** Which of `kubevirts`. */
  kubevirt: string;
}

/** A Kubernetes cluster of KubeVirt machines. */
export interface FleetKubevirtCluster extends Omit<
  KubevirtClusterArgs,
  "kubeconfig" | "context"
> {
  /** Which of `kubevirts`. */
  kubevirt: string;
  /**
   * Which of `kubevirtBaseSnapshots` are made before: their namespace and names stand for `snapshots`.
   * A new generation of them is taken by clusters that are decided anew.
   */
  baseSnapshots?: string;
}

/** A microVM on one of the fleet's hosts. */
export interface FleetMicroVm extends Omit<MicroVmArgs, "host" | "interfaces"> {
  /** Which of `microVmHosts`. */
  host: string;
  /**
   * Further interfaces, in other networks of the same host.
   * @maxItems 7
   */
  interfaces?: FleetMicroVmInterface[];
}

/** A further interface of a microVM. */
export interface FleetMicroVmInterface extends Omit<
  MicroVmInterfaceArgs,
  "host"
> {
  /** Which of `microVmHosts`: the same host, with another network. */
  host: string;
}

/** A hypervisor: exactly one kind. */
export interface Hypervisor {
  /** A host that runs libvirt. */
  libvirt?: LibvirtHypervisor;
  /** A server or cluster of Proxmox VE. */
  proxmox?: ProxmoxHypervisor;
}

/** A host that runs libvirt, and what its machines share. */
export interface LibvirtHypervisor {
  /** Connection URI (https://libvirt.org/uri.html). Default `qemu:///system`. */
  uri?: string;
  /**
   * The lab of this repository (`npm run lab -- up libvirt`): URI, accelerator, pool and image are
   * taken from it where the fleet says nothing else. Default false.
   */
  embeddedLab?: boolean;
  /** What runs the guests' instructions, for machines that do not say. Default `kvm`. */
  accelerator?: Accelerator;
  /** Directory pools to make; machines and images use them by these names. */
  pools?: Record<string, FleetPool>;
  /** NAT networks to make; machines use them by these names. */
  networks?: Record<string, FleetNetwork>;
  /** Images to upload once; machines use them by these names. */
  images?: Record<string, FleetImage>;
}

/** A directory storage pool. */
export interface FleetPool {
  /** Absolute path of the directory on the hypervisor; made when it is missing. */
  path: string;
}

/** A NAT network with DHCP. */
export interface FleetNetwork {
  /** IPv4 network of the guests, for example `10.77.0.0/24`. */
  cidr: string;
}

/** A disk image: exactly one of `path` and `url`. */
export interface FleetImage {
  /** Pool to keep it in: a name under `pools`, else of one that exists. Default `default`. */
  pool?: string;
  /** qcow2 or raw file on the machine that runs the program; relative to the folder of Pulumi.yaml. */
  path?: string;
  /** http or https address of a qcow2 or raw image. */
  url?: string;
}

/** A machine: exactly one kind. */
export interface Machine {
  /** A machine on a libvirt host. */
  libvirt?: LibvirtMachine;
  /** A machine on Proxmox VE. */
  proxmox?: ProxmoxMachine;
}

/**
 * A machine on a libvirt host. Names of pools, networks and images mean those of the hypervisor's
 * declaration first, else ones that exist there.
 */
export interface LibvirtMachine extends Omit<LibvirtVmArgs, "uri" | "image"> {
  /** Which of `hypervisors`. */
  hypervisor: string;
  /** The disk image. Default on the embedded lab: the lab's own. */
  image?: LibvirtVmArgs["image"];
}

/** A server or cluster of Proxmox VE. */
export interface ProxmoxHypervisor {
  /** Address of its API, `https://HOST:8006`. */
  endpoint: string;
  /** API token, `USER@REALM!ID=UUID`: `fromConfig: KEY`. */
  apiToken: pulumi.Input<string>;
  /** Accept any certificate of the server, such as a self-signed one. Default false. */
  insecure?: boolean;
  /** Node of machines that do not say. */
  node?: string;
  /** How the node is logged in to; for machines with `cloudInit`, which is stored as a snippet. */
  nodeSsh?: ProxmoxNodeSshArgs;
}

/** A machine on Proxmox VE. */
export interface ProxmoxMachine extends Omit<
  ProxmoxVmArgs,
  "endpoint" | "apiToken" | "insecure" | "nodeSsh" | "node"
> {
  /** Which of `hypervisors`. */
  hypervisor: string;
  /** Node that the machine is made on. Default: the hypervisor's `node`. */
  node?: ProxmoxVmArgs["node"];
}
