import type * as pulumi from "@pulumi/pulumi";
import type {
  CloudInitArgs,
  GuestConnection,
  GuestSshArgs,
  OnCloudInitChange,
  ReadyArgs,
} from "../guest/args";
import type { Accelerator } from "../libvirt/args";

/** What runs a microVM. */
export enum MicroVmHypervisor {
  /** cloud-hypervisor; needs /dev/kvm. */
  CloudHypervisor = "cloudHypervisor",
  /** Firecracker; needs /dev/kvm. */
  Firecracker = "firecracker",
  /** QEMU's machine type microvm; emulates where there is no /dev/kvm. */
  Qemu = "qemu",
}

/** When systemd starts a machine that has ended. */
export enum MicroVmRestart {
  /** Whatever ended it, a restart or shutdown from inside the guest too. */
  Always = "always",
  /** When the hypervisor ended with an error. */
  OnFailure = "onFailure",
  /** Never. */
  Never = "never",
}

/** What another host in `host` means for a machine that exists. */
export enum MicroVmOnHostChange {
  /** An error, with nothing changed: a machine is never moved, nor lost, by mistake. */
  Refuse = "refuse",
  /**
   * It moves: it is stopped, its volumes are copied, it is started there, and then removed where it was.
   * A failure on the way leaves it running where it was.
   */
  Move = "move",
}

/** What may come in to a machine. */
export enum MicroVmProtocol {
  Tcp = "tcp",
  Udp = "udp",
  /** Echo requests (ping). */
  Icmp = "icmp",
}

/** Where machines are made: a host and one of its networks, as the output `place` of a MicroVmHost. */
export interface MicroVmPlace {
  /** How the host is reached. */
  connection: pulumi.Input<GuestConnection>;
  /** Name of the network on the host. */
  network: pulumi.Input<string>;
  /** Its subnet, for example `10.0.0.0/24`. */
  subnet: pulumi.Input<string>;
  /** The host's own address in it. */
  gateway: pulumi.Input<string>;
  /** What runs the guests' instructions there. Default `kvm`. */
  acceleration?: pulumi.Input<Accelerator>;
  /** The host's interface into whose network the machines go. Default: a network of their own. */
  lan?: pulumi.Input<string>;
}

/** A kernel, an initrd or a disk image: exactly one of `file`, `path` and `url`. */
export interface MicroVmImageSource {
  /**
   * File of the machine that runs the program, uploaded once for each host. A relative path starts at
   * the folder of Pulumi.yaml.
   */
  file?: string;
  /** Absolute path of a file that is on the host already. */
  path?: pulumi.Input<string>;
  /** http or https address that the host fetches once; with `sha256`. */
  url?: pulumi.Input<string>;
  /** SHA-256 of what `url` gives, 64 hexadecimal digits. */
  sha256?: pulumi.Input<string>;
}

/** The machine's root disk: a copy of an image. */
export interface MicroVmRootDiskArgs {
  /** The image: raw, or qcow2, which the host's qemu-img unpacks. */
  image: MicroVmImageSource;
  /**
   * Size in GiB, not smaller than the image's. Default: the image's size.
   * @minimum 0.001
   * @maximum 65536
   */
  sizeGib?: pulumi.Input<number>;
}

/** A disk for data, with an ext4 file system, mounted in the guest by cloud-init. */
export interface MicroVmVolumeArgs {
  /** Name of up to 16 characters, and label of the file system. A new name is another volume. */
  name: string;
  /**
   * Size in GiB. It grows when the machine is started anew, which the update does; a smaller one is an
   * error. Needed unless `image` is given.
   * @minimum 0.001
   * @maximum 65536
   */
  sizeGib?: pulumi.Input<number>;
  /** Where the guest mounts it. Default: it is attached only. */
  mountPoint?: pulumi.Input<string>;
  /** Whether the guest can only read it. Default false. */
  readOnly?: pulumi.Input<boolean>;
  /**
   * Whether the volume outlives the machine. Default true; false in the stack `dev` and where the
   * stack's configuration has `corral:keepDataDisks: false`.
   */
  keep?: boolean;
  /**
   * A raw image on the host, used where it is and never made, grown or deleted; no other machine may
   * have it.
   */
  image?: pulumi.Input<string>;
  /** A kept volume to take up, `MACHINE/VOLUME` as `corral orphans` shows it. */
  adopt?: pulumi.Input<string>;
}

/** A folder of the host that the guest shares by virtio-fs, mounted in the guest by cloud-init. */
export interface MicroVmSharedFolderArgs {
  /**
   * Name of up to 16 characters, and tag by which the guest mounts it: `mount -t virtiofs NAME FOLDER`.
   */
  name: string;
  /** Absolute path of the folder on the host, which has to be there. */
  hostPath: pulumi.Input<string>;
  /** Where the guest mounts it. Default: it is offered only. */
  mountPoint?: pulumi.Input<string>;
  /** Whether the guest can only read it. Default false. */
  readOnly?: pulumi.Input<boolean>;
}

/** A further interface of a machine, in another network of the same host. */
export interface MicroVmInterfaceArgs {
  /** The same host, and another of its networks. */
  host: pulumi.Input<MicroVmPlace>;
  /** Address of the machine there. Default: the lowest free one. */
  address?: pulumi.Input<string>;
  /** MAC address. Default: derived from project, stack, name and the interface's number. */
  macAddress?: pulumi.Input<string>;
}

/** Who may reach the machine beside its host, which always may. */
export interface MicroVmAllowArgs {
  /** Default `tcp`. */
  protocol?: pulumi.Input<MicroVmProtocol>;
  /** Ports of the machine. Default: all. */
  ports?: pulumi.Input<pulumi.Input<number>[]>;
  /** Addresses and networks that may, such as another machine's `address`. Default: everybody. */
  from?: pulumi.Input<pulumi.Input<string>[]>;
}

/** What the machine may use of its host (systemd.resource-control(5)). */
export interface MicroVmLimitsArgs {
  /**
   * CPU time, in percent of one processor. Default: 100 for each virtual processor.
   * @minimum 1
   * @maximum 102400
   * @asType integer
   */
  cpuQuotaPercent?: pulumi.Input<number>;
  /**
   * Memory for the hypervisor beside the guest's, in MiB. Default 128.
   * @minimum 16
   * @maximum 65536
   * @asType integer
   */
  memoryOverheadMib?: pulumi.Input<number>;
}

/** Arguments of MicroVm. */
export interface MicroVmArgs {
  /** The host and network. */
  host: pulumi.Input<MicroVmPlace>;
  /**
   * What another host means for a machine that exists. Default `refuse`. Another address or port of the
   * same host is none.
   */
  onHostChange?: MicroVmOnHostChange;
  /** What runs the machine. Default `cloudHypervisor`. */
  hypervisor?: MicroVmHypervisor;
  /**
   * Number of virtual processors. Default 1. A change restarts the machine.
   * @minimum 1
   * @maximum 255
   * @asType integer
   */
  vcpus?: pulumi.Input<number>;
  /**
   * Memory in MiB. Default 256. A change restarts the machine.
   * @minimum 16
   * @maximum 16777216
   * @asType integer
   */
  memoryMib?: pulumi.Input<number>;
  /** The guest's kernel. cloud-hypervisor and Firecracker take an uncompressed vmlinux. */
  kernel: MicroVmImageSource;
  /** Its initrd. */
  initrd?: MicroVmImageSource;
  /** Further arguments of the kernel, one word each. */
  kernelArguments?: pulumi.Input<pulumi.Input<string>[]>;
  /** The root disk. Default: none, the guest lives in its initrd. */
  rootDisk?: MicroVmRootDiskArgs;
  /**
   * Disks for data.
   * @maxItems 16
   */
  volumes?: MicroVmVolumeArgs[];
  /**
   * Folders of the host that the guest shares; not with Firecracker, which has none. A change restarts
   * the machine.
   * @maxItems 6
   */
  sharedFolders?: MicroVmSharedFolderArgs[];
  /** Address in the host's network. Default: the lowest free one, kept for the machine's life. */
  address?: pulumi.Input<string>;
  /** MAC address. Default: derived from project, stack and name, and so kept when replaced. */
  macAddress?: pulumi.Input<string>;
  /**
   * Further interfaces, in other networks of the same host.
   * @maxItems 7
   */
  interfaces?: MicroVmInterfaceArgs[];
  /** Who may reach the machine beside its host. Default: nobody; answers always pass. */
  allow?: MicroVmAllowArgs[];
  /**
   * The guest's vsock address (vsock(7)), unique on the host. Default: no vsock.
   * @minimum 3
   * @maximum 4294967294
   * @asType integer
   */
  vsockCid?: pulumi.Input<number>;
  /** What happens in the guest at its first boot. */
  cloudInit?: CloudInitArgs;
  /**
   * What a changed cloud-init means for the machine and its root disk. Mount points, interfaces and
   * addresses are part of it. Default `ignore`.
   */
  onCloudInitChange?: OnCloudInitChange;
  /** How Corral logs in to the guest. */
  ssh?: GuestSshArgs;
  /** What is waited for after the machine was made. */
  ready?: ReadyArgs;
  /** Whether the machine runs, and starts with its host. Default true. */
  running?: pulumi.Input<boolean>;
  /** When systemd starts a machine that has ended. Default `always`. */
  restart?: pulumi.Input<MicroVmRestart>;
  /** What the machine may use of its host. */
  limits?: MicroVmLimitsArgs;
  /**
   * Longest time that the guest is given to shut down before the machine is stopped or restarted, in
   * seconds; then its process is killed. Default 60.
   * @minimum 0
   * @maximum 3600
   * @asType integer
   */
  stopTimeoutSeconds?: pulumi.Input<number>;
}
