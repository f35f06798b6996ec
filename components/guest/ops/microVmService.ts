import * as pulumi from "@pulumi/pulumi";
import { withSecrets } from "../../shared/secrets";
import type { OnMicroVmHost, PartOfMicroVm } from "./microVm";
import { opsOptions } from "./plugin";

/** A disk of the machine. */
export interface MicroVmDisk {
  /** The disk's serial, and the label of its file system; up to 16 characters. */
  name: pulumi.Input<string>;
  /** The raw file on the host. */
  path: pulumi.Input<string>;
  /** Whether the guest can only read it. Default false. */
  readOnly?: pulumi.Input<boolean | undefined>;
  /** Whether its file system is made as large as the file before the machine starts. Default false. */
  grows?: pulumi.Input<boolean>;
  /** Another one makes the machine start anew. */
  revision?: pulumi.Input<string>;
}

/** An interface of the machine. */
export interface MicroVmNic {
  /** Name of the network on the host. */
  network: pulumi.Input<string>;
  /** The machine's address. */
  address: pulumi.Input<string>;
  /** The host's address in the network. */
  gateway: pulumi.Input<string>;
  /** Length of the network's prefix. */
  prefix: pulumi.Input<number>;
  /** MAC address, in lower case. */
  mac: pulumi.Input<string>;
  /** The host's interface on which the host answers for the machine. Default: none. */
  lan?: pulumi.Input<string | undefined>;
}

/** A folder of the host that the guest shares. */
export interface MicroVmShare {
  /** The tag by which the guest mounts it; up to 16 characters. */
  name: pulumi.Input<string>;
  /** The folder on the host. */
  hostPath: pulumi.Input<string>;
  /** Whether the guest can only read it. Default false. */
  readOnly?: pulumi.Input<boolean | undefined>;
}

/** Who may reach the machine. */
export interface MicroVmAllowed {
  /** `tcp` (default), `udp` or `icmp`. */
  protocol?: pulumi.Input<string | undefined>;
  /** Ports of the machine. Default: all. */
  ports?: pulumi.Input<pulumi.Input<number>[] | undefined>;
  /** Addresses and networks that may. Default: everybody. */
  from?: pulumi.Input<pulumi.Input<string>[] | undefined>;
}

/** Arguments of {@link MicroVmService}. */
export interface MicroVmServiceArgs extends OnMicroVmHost, PartOfMicroVm {
  /** Name of the machine on the host. */
  name: pulumi.Input<string>;
  /** The guest's own name. */
  hostname: pulumi.Input<string>;
  /** `cloudHypervisor`, `firecracker` or `qemu`. */
  hypervisor: pulumi.Input<string>;
  /** `kvm` (default) or `tcg`. */
  acceleration?: pulumi.Input<string>;
  /** Number of virtual processors. Default 1. */
  vcpus?: pulumi.Input<number | undefined>;
  /** Memory of the guest, in MiB. Default 256. */
  memoryMib?: pulumi.Input<number | undefined>;
  /** The guest's kernel, on the host. */
  kernel: pulumi.Input<string>;
  /** Its initrd, on the host. */
  initrd?: pulumi.Input<string>;
  /** Further arguments of the guest's kernel. */
  kernelArguments?: pulumi.Input<pulumi.Input<string>[] | undefined>;
  /** Disks, in the order in which the guest sees them. */
  disks?: pulumi.Input<pulumi.Input<MicroVmDisk>[]>;
  /** Whether the first disk is the guest's root. Default false. */
  hasRootDisk?: pulumi.Input<boolean>;
  /** Interfaces, in the order in which the guest sees them: 1 to 8. */
  interfaces: pulumi.Input<pulumi.Input<MicroVmNic>[]>;
  /** The guest's vsock address, unique on the host. */
  vsockCid?: pulumi.Input<number | undefined>;
  /** Folders of the host that the guest shares. Default: none. */
  sharedFolders?: pulumi.Input<pulumi.Input<MicroVmShare>[] | undefined>;
  /** cloud-init's user-data. A secret. */
  userData?: pulumi.Input<string>;
  /** cloud-init's meta-data. */
  metaData?: pulumi.Input<string>;
  /** cloud-init's network-config. */
  networkConfig?: pulumi.Input<string>;
  /** Who may reach the machine beside its host. */
  allow?: pulumi.Input<pulumi.Input<MicroVmAllowed>[]>;
  /** Whether the machine runs, and starts with its host. Default true. */
  running?: pulumi.Input<boolean | undefined>;
  /** `always` (default), `onFailure` or `never`. */
  restart?: pulumi.Input<string | undefined>;
  /** CPU time, in percent of one processor. Default: 100 for each virtual one. */
  cpuQuotaPercent?: pulumi.Input<number | undefined>;
  /** Memory for the hypervisor beside the guest's, in MiB. Default 128. */
  memoryOverheadMib?: pulumi.Input<number | undefined>;
  /** Longest time that the guest is given to shut down, in seconds. Default 60. */
  stopTimeoutSeconds?: pulumi.Input<number | undefined>;
  /** Leave it out: a refresh says here what on the host is not as declared. */
  drift?: pulumi.Input<pulumi.Input<string>[]>;
}

/**
 * A microVM as a systemd service of its host: its folder with the stamp, a user of its own, the unit,
 * the interface and the chains of nftables, running or not.
 */
export class MicroVmService extends pulumi.CustomResource {
  /** The systemd unit. */
  declare readonly unitName: pulumi.Output<string>;
  /** The hypervisor's program. */
  declare readonly hypervisorPath: pulumi.Output<string>;
  /** Its version. */
  declare readonly hypervisorVersion: pulumi.Output<string>;
  /** What the machine was started with, as a hash. */
  declare readonly revision: pulumi.Output<string>;
  /** Another one says that the machine was started anew; empty for one that is not running. */
  declare readonly startId: pulumi.Output<string>;
  /** The host that it is on, as machine-id(5) knows it. */
  declare readonly hostId: pulumi.Output<string | undefined>;

  constructor(
    name: string,
    args: MicroVmServiceArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "corral-ops:index:MicroVmService",
      name,
      {
        ...withSecrets(args, ["privateKey", "userData"]),
        unitName: undefined,
        hypervisorPath: undefined,
        hypervisorVersion: undefined,
        revision: undefined,
        startId: undefined,
        hostId: undefined,
      },
      opsOptions(opts),
    );
  }
}
