import type * as pulumi from "@pulumi/pulumi";
import type { VirtualEnvironmentVmArgs } from "../sdks/proxmox";
import type { input } from "../sdks/proxmox/types";
import type { ProxmoxVmArgs } from "./args";
import {
  CLONE_RETRIES,
  DEFAULT_BRIDGE,
  DEFAULT_CPU_TYPE,
  DEFAULT_CREATE_SECONDS,
  DEFAULT_ROOT_INTERFACE,
  DEFAULT_SHUTDOWN_SECONDS,
  DEFAULT_STORAGE,
  FIXED,
} from "./fixedSettings";
import type {
  ProxmoxDataDiskArgs,
  ProxmoxNetworkArgs,
  ProxmoxRootDiskArgs,
} from "./hardwareArgs";

/** What the arguments alone do not say. */
export interface MachineFacts {
  readonly name: string;
  readonly vmId: pulumi.Input<number>;
  /** With the stamp's line. */
  readonly description: pulumi.Input<string>;
  /** With those of the stamp. */
  readonly tags: pulumi.Input<string[]>;
  /** The template and its node; undefined where the machine is made from an image. */
  readonly template:
    | {
        readonly vmId: pulumi.Input<number>;
        readonly templateNode: pulumi.Input<string>;
      }
    | undefined;
  /** Of each network interface. */
  readonly macAddresses: readonly pulumi.Input<string>[];
  /** cloud-init; undefined: no drive. */
  readonly initialization: input.VirtualEnvironmentVmInitialization | undefined;
  /** The further disks, as their holders made them. */
  readonly dataDisks: readonly input.VirtualEnvironmentVmDisk[];
}

/** The arguments of the provider's machine. Says nothing of what is left to the template. */
export function machineInputs(
  args: ProxmoxVmArgs,
  facts: MachineFacts,
): VirtualEnvironmentVmArgs {
  const fromImage = args.image !== undefined;
  const shutdownSeconds =
    args.shutdownTimeoutSeconds ?? DEFAULT_SHUTDOWN_SECONDS;
  const createSeconds = args.createTimeoutSeconds ?? DEFAULT_CREATE_SECONDS;
  return {
    ...FIXED,
    name: facts.name,
    vmId: facts.vmId,
    nodeName: args.node,
    poolId: args.pool,
    description: facts.description,
    tags: facts.tags,
    clone: cloneOf(args, facts.template),
    cpu: {
      cores: args.cores ?? 1,
      sockets: args.sockets ?? 1,
      type: args.cpuType ?? DEFAULT_CPU_TYPE,
    },
    memory: {
      dedicated: args.memoryMib ?? 1024,
      floating: args.balloonMib ?? 0,
    },
    machine: args.machineType,
    bios: args.bios,
    efiDisk: args.efiDisk && {
      datastoreId: args.efiDisk.storage ?? DEFAULT_STORAGE,
      type: args.efiDisk.type ?? "4m",
      preEnrolledKeys: args.efiDisk.preEnrolledKeys ?? false,
    },
    tpmState: args.tpm && {
      datastoreId: args.tpm.storage ?? DEFAULT_STORAGE,
      version: args.tpm.version ?? "v2.0",
    },
    operatingSystem:
      args.osType !== undefined || fromImage
        ? { type: args.osType ?? "l26" }
        : undefined,
    // Cloud images write on it, and some do not boot without.
    serialDevices: fromImage ? [{ device: "socket" }] : undefined,
    bootOrders: fromImage ? [rootInterface(args.rootDisk)] : undefined,
    scsiHardware: scsiHardware(args.rootDisk),
    disks: disksOf(args, facts.dataDisks),
    networkDevices: networksOf(args).map((network, index) =>
      networkDevice(network, facts.macAddresses[index] ?? ""),
    ),
    initialization: facts.initialization,
    hostpcis: args.pciDevices?.map((device, index) => ({
      device: `hostpci${index}`,
      mapping: device.mapping,
      pcie: device.pcie ?? false,
      mdev: device.mediatedDevice,
      rombar: device.romBar ?? true,
      xvga: device.primaryGpu ?? false,
    })),
    startup: args.startOrder && {
      order: args.startOrder.order,
      upDelay: args.startOrder.upDelaySeconds,
      downDelay: args.startOrder.downDelaySeconds,
    },
    onBoot: args.autostart ?? true,
    started: args.running ?? true,
    protection: args.protection ?? false,
    timeoutShutdownVm: shutdownSeconds,
    timeoutClone: createSeconds,
    timeoutCreate: createSeconds,
  };
}

/** The network interfaces: as declared, else one. */
export function networksOf(
  args: Pick<ProxmoxVmArgs, "networks">,
): readonly ProxmoxNetworkArgs[] {
  return args.networks ?? [{}];
}

/** Where the machine's root disk is attached. */
export function rootInterface(
  rootDisk: ProxmoxRootDiskArgs | undefined,
): string {
  return rootDisk?.interface ?? DEFAULT_ROOT_INTERFACE;
}

/** Where a data disk is attached. */
export function dataInterface(
  { interface: given }: Pick<ProxmoxDataDiskArgs, "interface">,
  index: number,
): string {
  return given ?? `scsi${index + 1}`;
}

/**
 * cloud-init's addresses, one for each interface: those that Proxmox VE writes into the network
 * configuration.
 */
export function ipConfigs(
  networks: readonly ProxmoxNetworkArgs[],
): input.VirtualEnvironmentVmInitializationIpConfig[] {
  return networks.map(({ ipv4, ipv6 }) => ({
    ipv4: ipv4 ?? (ipv6 === undefined ? { address: "dhcp" } : undefined),
    ipv6,
  }));
}

function cloneOf(
  args: ProxmoxVmArgs,
  template: MachineFacts["template"],
): input.VirtualEnvironmentVmClone | undefined {
  return template === undefined
    ? undefined
    : {
        vmId: template.vmId,
        // Always said: left out it would be the machine's, which may change.
        nodeName: template.templateNode,
        full: isFullClone(args),
        // A linked clone lies where its template does.
        datastoreId:
          args.rootDisk && isFullClone(args)
            ? (args.rootDisk.storage ?? DEFAULT_STORAGE)
            : undefined,
        retries: CLONE_RETRIES,
      };
}

function isFullClone({ template }: ProxmoxVmArgs): boolean {
  return template?.full ?? true;
}

/** Threads of their own need a controller for each disk. Default: the template's. */
function scsiHardware(
  rootDisk: ProxmoxRootDiskArgs | undefined,
): string | undefined {
  return rootDisk?.ioThread && rootInterface(rootDisk).startsWith("scsi")
    ? "virtio-scsi-single"
    : undefined;
}

/** With none at all the template's stay as they are; with one, it has to be all of them. */
function disksOf(
  args: ProxmoxVmArgs,
  dataDisks: readonly input.VirtualEnvironmentVmDisk[],
): input.VirtualEnvironmentVmDisk[] | undefined {
  return args.rootDisk === undefined
    ? undefined
    : [rootDisk(args.rootDisk, args.image?.fileId), ...dataDisks];
}

function rootDisk(
  args: ProxmoxRootDiskArgs,
  image: pulumi.Input<string> | undefined,
): input.VirtualEnvironmentVmDisk {
  return {
    interface: rootInterface(args),
    size: args.sizeGib,
    datastoreId: args.storage ?? DEFAULT_STORAGE,
    importFrom: image,
    discard: args.discard ? "on" : "ignore",
    ssd: args.ssd ?? false,
    iothread: args.ioThread ?? false,
  };
}

function networkDevice(
  network: ProxmoxNetworkArgs,
  macAddress: pulumi.Input<string>,
): input.VirtualEnvironmentVmNetworkDevice {
  return {
    bridge: network.bridge ?? DEFAULT_BRIDGE,
    vlanId: network.vlan,
    macAddress,
    firewall: network.firewall ?? false,
    model: network.model ?? "virtio",
    mtu: network.mtu,
  };
}
