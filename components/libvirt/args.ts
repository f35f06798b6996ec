import type * as pulumi from "@pulumi/pulumi";
import type {
  CloudInitArgs,
  GuestSshArgs,
  OnCloudInitChange,
  ReadyArgs,
} from "../guest/args";

/** What runs the guest's instructions. */
export enum Accelerator {
  /** The processor's own virtualization (Linux KVM). */
  Kvm = "kvm",
  /** QEMU's emulation: works everywhere, many times slower. */
  Tcg = "tcg",
}

/** A directory storage pool to make. */
export interface LibvirtPoolCreateArgs {
  /** Absolute path of the directory on the hypervisor; made when it is missing. */
  path: pulumi.Input<string>;
}

/** The storage pool for a machine's disks: exactly one of the fields, or none for pool `default`. */
export interface LibvirtPoolSource {
  /** Name of a pool that exists. */
  name?: pulumi.Input<string>;
  /** Make a pool for this machine alone. */
  create?: LibvirtPoolCreateArgs;
}

/** The disk image that a machine starts from: exactly one of `name`, `path` and `url`. */
export interface LibvirtImageSource {
  /** Name of a volume that exists on the hypervisor. */
  name?: pulumi.Input<string>;
  /** Pool of the volume `name`. Default: the machine's pool. */
  pool?: pulumi.Input<string>;
  /**
   * qcow2 or raw file on the machine that runs the program, uploaded once. A relative path starts
   * at the folder of Pulumi.yaml.
   */
  path?: pulumi.Input<string>;
  /** http or https address of a qcow2 or raw image, fetched by the machine that runs the program. */
  url?: pulumi.Input<string>;
}

/** The machine's root disk: an overlay on the image. */
export interface LibvirtRootDiskArgs {
  /**
   * Size in GiB, not smaller than the image's. Default: the image's size.
   * @minimum 0.001
   * @maximum 65536
   */
  sizeGib?: pulumi.Input<number>;
}

/** A disk for data, beside the root disk: it stays when the machine is made anew. */
export interface LibvirtDataDiskArgs {
  /**
   * Name of the disk, up to 20 characters: the guest finds it as `/dev/disk/by-id/virtio-NAME`. A
   * new name is another disk.
   */
  name: string;
  /**
   * Size in GiB. It grows in place; a smaller one than the disk has is an error.
   * @minimum 0.001
   * @maximum 65536
   */
  sizeGib: pulumi.Input<number>;
  /**
   * Whether the disk outlives the machine: it stays on the hypervisor when it is taken out of the
   * program or the stack is destroyed, and `corral orphans` lists it as kept. Default true; false in
   * the stack `dev` and where the stack's configuration has `corral:keepDataDisks: false`.
   */
  keep?: boolean;
  /**
   * Name of a volume in the machine's pool that was kept, of whatever machine or stack: it becomes
   * this disk, with its data, instead of an empty one. Says nothing to a disk that exists.
   */
  adopt?: pulumi.Input<string>;
}

/** A NAT network with DHCP and DNS to make. */
export interface LibvirtNetworkCreateArgs {
  /** IPv4 network of the guests, for example `10.77.0.0/24`; the first address is the host's. */
  cidr: pulumi.Input<string>;
}

/** The network of a machine: exactly one of the fields, or none for network `default`. */
export interface LibvirtNetworkSource {
  /** Name of a libvirt network that exists. */
  name?: pulumi.Input<string>;
  /** Name of a bridge on the hypervisor; addresses come from whatever serves that bridge. */
  bridge?: pulumi.Input<string>;
  /** Make a NAT network for this machine alone. */
  create?: LibvirtNetworkCreateArgs;
}

/** Arguments of LibvirtVm. */
export interface LibvirtVmArgs {
  /**
   * Connection URI of the hypervisor (https://libvirt.org/uri.html), for example
   * `qemu+ssh://operator@host/system`. Default `qemu:///system`.
   */
  uri?: string;
  /**
   * Number of virtual processors. Default 1. A change replaces the machine and keeps its root disk.
   * @minimum 1
   * @maximum 512
   * @asType integer
   */
  vcpus?: pulumi.Input<number>;
  /**
   * Memory in MiB. Default 1024. A change replaces the machine and keeps its root disk.
   * @minimum 64
   * @maximum 16777216
   * @asType integer
   */
  memoryMib?: pulumi.Input<number>;
  /** What runs the guest's instructions. Default `kvm`. */
  accelerator?: pulumi.Input<Accelerator>;
  /** Storage pool of the machine's disks. Default: the pool `default`. */
  pool?: LibvirtPoolSource;
  /** The disk image that the machine starts from. */
  image: LibvirtImageSource;
  /** The machine's root disk. */
  rootDisk?: LibvirtRootDiskArgs;
  /**
   * Further disks, for data. Another number or order of them replaces the machine and keeps all disks.
   * @maxItems 16
   */
  dataDisks?: LibvirtDataDiskArgs[];
  /** Network of the machine. Default: the network `default`. */
  network?: LibvirtNetworkSource;
  /** MAC address. Default: derived from project, stack and name, and so kept when replaced. */
  macAddress?: pulumi.Input<string>;
  /** What happens in the guest at its first boot. */
  cloudInit?: CloudInitArgs;
  /** What a changed cloud-init means for the machine. Default `ignore`. */
  onCloudInitChange?: OnCloudInitChange;
  /** How Corral logs in to the guest. */
  ssh?: GuestSshArgs;
  /** What is waited for after the machine was made. */
  ready?: ReadyArgs;
  /** Whether the machine starts with the hypervisor. Default true. */
  autostart?: pulumi.Input<boolean>;
  /** Whether the machine is running. Default true. `false` shuts it down cleanly. */
  running?: pulumi.Input<boolean>;
  /**
   * Longest time that the guest is given to shut down before the machine is stopped, replaced or
   * deleted, in seconds; then it is powered off. Default 60; 0 powers off at once.
   * @minimum 0
   * @maximum 3600
   * @asType integer
   */
  shutdownTimeoutSeconds?: pulumi.Input<number>;
}

/** Arguments of LibvirtPool. */
export interface LibvirtPoolArgs {
  /** Connection URI of the hypervisor. Default `qemu:///system`. */
  uri?: string;
  /** Absolute path of the directory on the hypervisor; made when it is missing. */
  path: pulumi.Input<string>;
}

/** Arguments of LibvirtNetwork. */
export interface LibvirtNetworkArgs {
  /** Connection URI of the hypervisor. Default `qemu:///system`. */
  uri?: string;
  /** IPv4 network of the guests, for example `10.77.0.0/24`; the first address is the host's. */
  cidr: pulumi.Input<string>;
}

/** Arguments of LibvirtImage. */
export interface LibvirtImageArgs {
  /** Connection URI of the hypervisor. Default `qemu:///system`. */
  uri?: string;
  /** Name of the pool to keep the image in. Default `default`. */
  pool?: pulumi.Input<string>;
  /** qcow2 or raw file on the machine that runs the program. Either this or `url`. */
  path?: pulumi.Input<string>;
  /** http or https address of a qcow2 or raw image. Either this or `path`. */
  url?: pulumi.Input<string>;
}
