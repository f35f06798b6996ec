import type * as pulumi from "@pulumi/pulumi";

/** The firmware that starts the guest. */
export enum ProxmoxBios {
  /** SeaBIOS, a classic BIOS. */
  SeaBios = "seabios",
  /** OVMF, an UEFI; it keeps its variables on an EFI disk. */
  Ovmf = "ovmf",
}

/** Size of the EFI disk's flash image, and with it what fits into its variables. */
export enum ProxmoxEfiType {
  /** 2 MB, for old guests. */
  Small = "2m",
  /** 4 MB, for Secure Boot. */
  Large = "4m",
}

/** Version of the emulated Trusted Platform Module. */
export enum ProxmoxTpmVersion {
  /** TPM 1.2. */
  V12 = "v1.2",
  /** TPM 2.0, which Windows 11 asks for. */
  V20 = "v2.0",
}

/** Model of a network interface, as the guest sees it. */
export enum ProxmoxNetworkModel {
  /** Intel 82545EM. */
  E1000 = "e1000",
  /** Intel 82574L. */
  E1000E = "e1000e",
  /** Realtek 8139. */
  Rtl8139 = "rtl8139",
  /** Paravirtualized: the fastest one. */
  Virtio = "virtio",
  /** VMware's paravirtualized one. */
  Vmxnet3 = "vmxnet3",
}

/** The machine's root disk: the template's, or the imported image. */
export interface ProxmoxRootDiskArgs {
  /**
   * Size in GiB, not smaller than that of the template or image. A disk grows in place and never
   * shrinks.
   * @minimum 1
   * @maximum 65536
   * @asType integer
   */
  sizeGib: pulumi.Input<number>;
  /**
   * Storage that it lies in. Default `local-lvm`. A change moves it, while the machine is off. For a
   * linked clone give the template's: anywhere else it would be copied after all.
   */
  storage?: pulumi.Input<string>;
  /** Where it is attached: `scsi0` (default), `virtio0`, `sata0` or `ide0`, as in the template. */
  interface?: string;
  /** Whether blocks that the guest frees are freed in the storage. Default false. */
  discard?: boolean;
  /** Whether the guest takes it for a solid state disk; not with `virtio0`. Default false. */
  ssd?: pulumi.Input<boolean>;
  /** Whether it has a thread of its own on the host; with `scsi` and `virtio` only. Default false. */
  ioThread?: boolean;
}

/** A further disk. It belongs to a holder of its own and stays when the machine is replaced. */
export interface ProxmoxDataDiskArgs {
  /**
   * Its name: lower-case letters, digits and hyphens, at most 20. The guest finds it by this serial
   * number, as `/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_NAME`.
   */
  name: string;
  /**
   * Size in GiB. It grows in place; a running guest sees that after it was powered off and on.
   * @minimum 1
   * @maximum 65536
   * @asType integer
   */
  sizeGib: pulumi.Input<number>;
  /** Storage that it lies in. Default `local-lvm`. */
  storage?: pulumi.Input<string>;
  /** Where it is attached, `scsi1` to `scsi30`. Default: by its place in the list, from `scsi1`. */
  interface?: string;
  /** Whether it outlives `pulumi destroy`. Default true. */
  keep?: boolean;
  /** Whether it is part of backups. Default true. */
  backup?: pulumi.Input<boolean>;
  /**
   * VM id of its holder. Default: one is chosen, and kept.
   * @minimum 100
   * @maximum 999999999
   * @asType integer
   */
  holderVmId?: number;
  /**
   * Volume id of a disk that was kept from before, such as `local-lvm:vm-10023-disk-0`: it is used
   * instead of a new one, with the size that it has, and stays when this is taken away.
   */
  adopt?: string;
}

/** Addresses of an interface in one version of IP, which cloud-init gives it. */
export interface ProxmoxIpArgs {
  /** Address with prefix, such as `10.0.0.5/24`; `dhcp`; or `auto` for IPv6. */
  address: pulumi.Input<string>;
  /** Address of the gateway; only beside an address of its own. */
  gateway?: pulumi.Input<string>;
}

/** A network interface. */
export interface ProxmoxNetworkArgs {
  /** Bridge of the node, for example `vmbr0`, the default. */
  bridge?: pulumi.Input<string>;
  /**
   * VLAN tag. Default: none.
   * @minimum 1
   * @maximum 4094
   * @asType integer
   */
  vlan?: pulumi.Input<number>;
  /** MAC address. Default: derived from project, stack, name and place, and so kept when replaced. */
  macAddress?: pulumi.Input<string>;
  /** Whether the Proxmox VE firewall filters it. Default false. */
  firewall?: pulumi.Input<boolean>;
  /** Model. Default `virtio`. */
  model?: pulumi.Input<ProxmoxNetworkModel>;
  /**
   * Largest packet, in bytes. Default: the bridge's.
   * @minimum 576
   * @maximum 65520
   * @asType integer
   */
  mtu?: pulumi.Input<number>;
  /** IPv4. Default: `dhcp`. */
  ipv4?: ProxmoxIpArgs;
  /** IPv6. Default: none. */
  ipv6?: ProxmoxIpArgs;
}

/** Name servers of the guest, by cloud-init. */
export interface ProxmoxDnsArgs {
  /** IP addresses of the servers. Default: those of the node. */
  servers?: pulumi.Input<pulumi.Input<string>[]>;
  /** Search domain. Default: that of the node. */
  domain?: pulumi.Input<string>;
}

/** Where an UEFI keeps its variables. */
export interface ProxmoxEfiDiskArgs {
  /** Storage that it lies in. Default `local-lvm`. */
  storage?: pulumi.Input<string>;
  /** Size of the flash image. Default `4m`. A change replaces the machine. */
  type?: pulumi.Input<ProxmoxEfiType>;
  /** Whether the keys for Secure Boot are in it from the start. Default false. */
  preEnrolledKeys?: pulumi.Input<boolean>;
}

/** A Trusted Platform Module. */
export interface ProxmoxTpmArgs {
  /** Storage that its state lies in. Default `local-lvm`. */
  storage?: pulumi.Input<string>;
  /** Version. Default `v2.0`. A change replaces the machine. */
  version?: pulumi.Input<ProxmoxTpmVersion>;
}

/** A PCI device of the node that the guest gets for itself. */
export interface ProxmoxPciDeviceArgs {
  /** Name of the resource mapping (Datacenter, Resource Mappings). */
  mapping: pulumi.Input<string>;
  /** Whether the guest sees PCI Express; machine type `q35` only. Default false. */
  pcie?: pulumi.Input<boolean>;
  /** Type of mediated device, for a card that is shared. Default: the whole card. */
  mediatedDevice?: pulumi.Input<string>;
  /** Whether its firmware is visible for the guest. Default true. */
  romBar?: pulumi.Input<boolean>;
  /** Whether it is the guest's first graphics card. Default false. */
  primaryGpu?: pulumi.Input<boolean>;
}

/** When the machine starts and stops among others of its node. */
export interface ProxmoxStartOrderArgs {
  /**
   * Place in the order; lower numbers start first and stop last.
   * @minimum 0
   * @maximum 100000
   * @asType integer
   */
  order?: pulumi.Input<number>;
  /**
   * Seconds until the next machine is started.
   * @minimum 0
   * @maximum 86400
   * @asType integer
   */
  upDelaySeconds?: pulumi.Input<number>;
  /**
   * Seconds until the next machine is stopped.
   * @minimum 0
   * @maximum 86400
   * @asType integer
   */
  downDelaySeconds?: pulumi.Input<number>;
}
