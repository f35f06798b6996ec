import type { OwnershipStamp } from "../stamp";

export type HypervisorKind = "cloudHypervisor" | "firecracker" | "qemu";

/** What runs the guest's instructions: the processor's own virtualization, or QEMU's emulation. */
export type Acceleration = "kvm" | "tcg";

/** A hypervisor that was found on the host. */
export interface Hypervisor {
  readonly kind: HypervisorKind;
  /** For instance `7.2.22`. */
  readonly version: string;
  /** Absolute path of its program on the host. */
  readonly path: string;
}

/** A disk of a machine, in the order in which the guest sees them: /dev/vda, /dev/vdb ... */
export interface PlannedDisk {
  /** At most 16 characters: the label of its file system, and its serial where there is one. */
  readonly name: string;
  /** Absolute path of the raw image on the host. */
  readonly path: string;
  readonly readOnly: boolean;
  /** Whether the file system on it is grown, when the file has become larger, before each start. */
  readonly grows: boolean;
  /** Changes when the disk was made anew or has grown: the hypervisor sees it only when it starts. */
  readonly revision: string;
}

/** An interface of a machine, in the order in which the guest sees them: eth0, eth1 ... */
export interface PlannedInterface {
  /** Name of the network on the host. */
  readonly network: string;
  readonly address: string;
  readonly gateway: string;
  /** Length of the network's prefix, which becomes the guest's netmask. */
  readonly prefix: number;
  readonly mac: string;
  /** The host's interface on which the host answers for the machine; left out: there is none. */
  readonly lan?: string | undefined;
}

/** A folder of the host that the guest mounts by virtio-fs. */
export interface PlannedShare {
  /** Its tag, by which the guest mounts it; unique in the machine. */
  readonly name: string;
  readonly hostPath: string;
  readonly readOnly: boolean;
}

/** Who may come in, beside answers to what the machine itself has asked. */
export interface AllowedTraffic {
  readonly protocol: "tcp" | "udp" | "icmp";
  /** Ports of the machine; empty: all of them, and none for icmp. */
  readonly ports: readonly number[];
  /** Addresses and networks that may come in; empty: everybody. */
  readonly from: readonly string[];
}

/** One machine as a whole: everything on the host is rendered from it, by pure functions. */
export interface MachinePlan {
  /** Unique on the host. */
  readonly name: string;
  /** The guest's own name. */
  readonly hostname: string;
  readonly stamp: OwnershipStamp;
  readonly hypervisor: Hypervisor;
  readonly acceleration: Acceleration;
  readonly vcpus: number;
  readonly memoryMib: number;
  /** Absolute paths on the host. */
  readonly kernel: string;
  readonly initrd?: string;
  /** Further arguments of the guest's kernel, behind those that Corral gives. */
  readonly kernelArguments: readonly string[];
  /** The first disk is the guest's root if `rootDisk` says so. */
  readonly disks: readonly PlannedDisk[];
  readonly hasRootDisk: boolean;
  readonly interfaces: readonly PlannedInterface[];
  readonly vsockCid?: number;
  /** Left out: none. */
  readonly shares?: readonly PlannedShare[];
  readonly allow: readonly AllowedTraffic[];
  readonly restart: "always" | "onFailure" | "never";
  /** CPU time that the machine may use, in percent of one processor. */
  readonly cpuQuotaPercent: number;
  /** Memory that the hypervisor may need beside the guest's, in MiB. */
  readonly memoryOverheadMib: number;
  /** Longest time that the guest is given to shut down, in seconds. */
  readonly stopTimeoutSeconds: number;
}
