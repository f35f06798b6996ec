import type * as pulumi from "@pulumi/pulumi";
import type {
  CloudInitArgs,
  GuestSshArgs,
  OnCloudInitChange,
  ReadyThrough,
  ReadyUntil,
} from "../guest/args";
import type { InjectedFile } from "../guest/fileInjectionArgs";
import type { FeatureArgs } from "../guest/guestFeatureArgs";
import type { NfsShareArgs } from "../guest/nfsMountArgs";
import type {
  ProxmoxBios,
  ProxmoxDataDiskArgs,
  ProxmoxDnsArgs,
  ProxmoxEfiDiskArgs,
  ProxmoxNetworkArgs,
  ProxmoxPciDeviceArgs,
  ProxmoxRootDiskArgs,
  ProxmoxStartOrderArgs,
  ProxmoxTpmArgs,
} from "./hardwareArgs";
import type { ProxmoxFinalFormArgs } from "./stepArgs";

/** How the node is logged in to, which Proxmox VE asks for to store a snippet. */
export interface ProxmoxNodeSshArgs {
  /** User to log in as: root, or one who may use sudo without a password. Default `root`. */
  user?: pulumi.Input<string>;
  /** Private key in PEM format, without a passphrase. A secret. */
  privateKey: pulumi.Input<string>;
  /** Name or address of the node's ssh server. Default: what Proxmox VE says of the node. */
  address?: pulumi.Input<string>;
  /**
   * TCP port of the node's ssh server. Default 22.
   * @minimum 1
   * @maximum 65535
   * @asType integer
   */
  port?: pulumi.Input<number>;
}

/** The template that a machine is cloned from: exactly one of `vmId` and `name`. */
export interface ProxmoxTemplateSource {
  /**
   * Its VM id.
   * @minimum 100
   * @maximum 999999999
   * @asType integer
   */
  vmId?: pulumi.Input<number>;
  /** Its name, looked up once, before the machine is made; a change looks it up anew. */
  name?: pulumi.Input<string>;
  /** Node that it is on. Default: any. A change looks it up anew, and replaces the machine. */
  node?: pulumi.Input<string>;
  /**
   * Whether its disks are copied. Default true. `false` makes a linked clone: at once, and the
   * template cannot be deleted while it lives.
   */
  full?: boolean;
}

/** A disk image of a storage, from which the machine's root disk is made. */
export interface ProxmoxImageSource {
  /** Its volume id, for example `local:import/debian-12.qcow2`. */
  fileId: pulumi.Input<string>;
}

/** The guest's first account, made by Proxmox VE's own cloud-init fields. */
export interface ProxmoxAccountArgs {
  /** Login name. Default: `ssh.user`, else `corral`. */
  name?: pulumi.Input<string>;
  /** Public keys that may log in, as lines of authorized_keys, beside Corral's own. */
  sshAuthorizedKeys?: pulumi.Input<pulumi.Input<string>[]>;
  /** Password for console and sudo. Default: locked. A secret. */
  password?: pulumi.Input<string>;
}

/** What is waited for after a machine was made, how, and how long. */
export interface ProxmoxReadyArgs {
  /**
   * How far the guest must have come. Default `cloudInit`, `agent` without a cloud-init drive, and
   * `none` for a machine that is not running.
   */
  until?: pulumi.Input<ReadyUntil>;
  /**
   * The way into the guest. Default `agent`, which needs the QEMU guest agent in the template; `ssh`
   * needs an address that is known beforehand (`networks[0].ipv4`).
   */
  through?: pulumi.Input<ReadyThrough>;
  /**
   * Longest time to wait, in seconds. Default 300. After it the update fails and says what was
   * waited for; the machine stays, and the next update waits again.
   * @minimum 1
   * @maximum 86400
   * @asType integer
   */
  timeoutSeconds?: pulumi.Input<number>;
}

/** Arguments of ProxmoxVm. */
export interface ProxmoxVmArgs {
  /**
   * Address of the Proxmox VE API, `https://HOST:8006`. Default: that of the provider, of
   * `proxmox:endpoint`, or of the environment variable PROXMOX_VE_ENDPOINT.
   */
  endpoint?: string;
  /**
   * API token, `USER@REALM!ID=UUID`. Default: that of the provider, of `proxmox:apiToken`, or of
   * the environment variable PROXMOX_VE_API_TOKEN. A secret.
   */
  apiToken?: pulumi.Input<string>;
  /** Accept any certificate of the server, such as a self-signed one. Default false. */
  insecure?: pulumi.Input<boolean>;
  /** How the node is logged in to; for `cloudInit`, which is stored as a snippet. */
  nodeSsh?: ProxmoxNodeSshArgs;
  /** Node that the machine is made on. */
  node: pulumi.Input<string>;
  /**
   * VM id. Default: one is chosen and kept, also when the machine is replaced. A change replaces the
   * machine.
   * @minimum 100
   * @maximum 999999999
   * @asType integer
   */
  vmId?: number;
  /** Resource pool of the machine. Default: none. */
  pool?: pulumi.Input<string>;
  /** Tags beside Corral's own. */
  tags?: pulumi.Input<pulumi.Input<string>[]>;
  /** Text for people, above the line that says whose the machine is. */
  description?: pulumi.Input<string>;
  /** The template that the machine is cloned from. Either this or `image`. */
  template?: ProxmoxTemplateSource;
  /** The image that the root disk is made from. Either this or `template`. */
  image?: ProxmoxImageSource;
  /**
   * Cores of each processor. Default 1.
   * @minimum 1
   * @maximum 2304
   * @asType integer
   */
  cores?: pulumi.Input<number>;
  /**
   * Processors. Default 1.
   * @minimum 1
   * @maximum 16
   * @asType integer
   */
  sockets?: pulumi.Input<number>;
  /** Model of the processors (https://pve.proxmox.com/wiki/Manual:_cpu-models.conf). Default `x86-64-v2-AES`. */
  cpuType?: pulumi.Input<string>;
  /**
   * Memory in MiB. Default 1024.
   * @minimum 64
   * @maximum 16777216
   * @asType integer
   */
  memoryMib?: pulumi.Input<number>;
  /**
   * Memory in MiB that the guest keeps when the node takes some back (ballooning). Default 0: none
   * is taken.
   * @minimum 0
   * @maximum 16777216
   * @asType integer
   */
  balloonMib?: pulumi.Input<number>;
  /** Chipset: `pc`, `q35`, or one of their versions. Default: the template's, else `pc`. */
  machineType?: pulumi.Input<string>;
  /** Firmware. Default: the template's, else `seabios`. */
  bios?: pulumi.Input<ProxmoxBios>;
  /** Where an UEFI keeps its variables; for `bios: ovmf`, unless the template has one. */
  efiDisk?: ProxmoxEfiDiskArgs;
  /** Trusted Platform Module. Default: the template's, else none. */
  tpm?: ProxmoxTpmArgs;
  /** Guest's operating system, in Proxmox VE's words. Default: the template's, else `l26`. */
  osType?: pulumi.Input<string>;
  /** The root disk. Default: as in the template. Needed with `image` and with `dataDisks`. */
  rootDisk?: ProxmoxRootDiskArgs;
  /** Further disks. */
  dataDisks?: ProxmoxDataDiskArgs[];
  /** Network interfaces. Default: one, on `vmbr0`, with DHCP. */
  networks?: ProxmoxNetworkArgs[];
  /** Name servers of the guest. Default: those of the node. */
  dns?: ProxmoxDnsArgs;
  /** PCI devices of the node for the guest alone. */
  pciDevices?: ProxmoxPciDeviceArgs[];
  /** When the machine starts and stops among others of its node. */
  startOrder?: ProxmoxStartOrderArgs;
  /** Whether the machine has a cloud-init drive. Default true. */
  cloudInitDrive?: boolean;
  /** Storage of the cloud-init drive. Default: `rootDisk.storage`, else `local-lvm`. */
  cloudInitStorage?: pulumi.Input<string>;
  /** The guest's first account. Either this or `cloudInit`, which needs access to the node. */
  account?: ProxmoxAccountArgs;
  /** What happens in the guest at its first boot, stored on the node as a snippet. */
  cloudInit?: CloudInitArgs;
  /** Storage for the snippet of `cloudInit`; it must allow snippets. Default `local`. */
  snippetStorage?: pulumi.Input<string>;
  /** What a changed account, cloudInit, dns or address means for the machine. Default `ignore`. */
  onCloudInitChange?: OnCloudInitChange;
  /** How Corral logs in to the guest. */
  ssh?: GuestSshArgs;
  /** What is waited for after the machine was made. */
  ready?: ProxmoxReadyArgs;
  /** NFS shares to mount once the guest is ready. */
  nfsMounts?: NfsShareArgs[];
  /** Files to put into the guest after that. */
  files?: InjectedFile[];
  /** What is set up in the guest after that, one after the other. */
  features?: FeatureArgs[];
  /** The snapshot that is taken once all of that is done. Default: none. */
  finalForm?: ProxmoxFinalFormArgs;
  /** Whether the machine starts with its node. Default true. */
  autostart?: pulumi.Input<boolean>;
  /** Whether the machine is running. Default true. `false` shuts it down cleanly. */
  running?: pulumi.Input<boolean>;
  /** Whether Proxmox VE refuses to delete the machine and its disks. Default false. */
  protection?: pulumi.Input<boolean>;
  /**
   * Longest time that the guest is given to shut down before the machine is stopped, restarted,
   * replaced or deleted, in seconds; then it is powered off. Default 60.
   * @minimum 5
   * @maximum 3600
   * @asType integer
   */
  shutdownTimeoutSeconds?: pulumi.Input<number>;
  /**
   * Longest time for the clone or import, in seconds. Default 1800.
   * @minimum 60
   * @maximum 86400
   * @asType integer
   */
  createTimeoutSeconds?: pulumi.Input<number>;
}
