import { versionProblem } from "./features";
import type { Acceleration, Hypervisor, HypervisorKind } from "./plan";

/** What a host has for one machine, found before anything of it is changed there. */
export interface MachineFacts {
  readonly hostId: string;
  /** Undefined: it has none, and {@link hypervisorFault} says so. */
  readonly hypervisor: Pick<Hypervisor, "path" | "version"> | undefined;
  readonly hypervisorFault: string | undefined;
  /** Of those that a machine may need, those that are there. */
  readonly devices: readonly string[];
  readonly freeMemoryMib: number;
  /** What the machine itself has of the host's memory, and gives back when it is started anew. */
  readonly ownMemoryMib: number;
  /** Disks that another machine has. */
  readonly disksInUse: readonly DiskInUse[];
  readonly missingNetworks: readonly string[];
}

export interface DiskInUse {
  readonly disk: string;
  readonly path: string;
  /** Name of the machine that has it. */
  readonly machine: string;
}

/** What a machine needs of its host. */
export interface MachineNeeds {
  readonly hypervisor: HypervisorKind;
  readonly acceleration: Acceleration;
  readonly hasVsock: boolean;
  /** Left out: it asks for no more than it has. */
  readonly memory?: MachineMemory | undefined;
}

export interface MachineMemory {
  readonly memoryMib: number;
  readonly memoryOverheadMib: number;
}

/** What brings a device, where one command does. */
const REMEDIES: Readonly<Record<string, string>> = {
  "/dev/net/tun": ": modprobe tun",
  "/dev/vhost-vsock": ": modprobe vhost_vsock",
};

/** Everything because of which the machine cannot run there. */
export function machineFaults(
  facts: MachineFacts,
  needs: MachineNeeds,
): string[] {
  const { hypervisor, hypervisorFault, devices, disksInUse } = facts;
  const version =
    hypervisor && versionProblem(needs.hypervisor, hypervisor.version);
  return [
    ...[hypervisorFault, version].filter((fault) => fault !== undefined),
    ...neededDevices(needs)
      .filter((device) => !devices.includes(device))
      .map((device) => `there is no ${device}${REMEDIES[device] ?? ""}`),
    ...memoryFaults(facts, needs),
    ...disksInUse.map(
      ({ disk, path, machine }) =>
        `disk ${disk}: ${path} is in use by another machine: ${machine}`,
    ),
  ];
}

function neededDevices(needs: MachineNeeds): string[] {
  return [
    "/dev/net/tun",
    ...(needs.acceleration === "kvm" ? ["/dev/kvm"] : []),
    ...(needs.hasVsock && needs.hypervisor === "qemu"
      ? ["/dev/vhost-vsock"]
      : []),
  ];
}

function memoryFaults(
  { freeMemoryMib, ownMemoryMib }: MachineFacts,
  { memory }: MachineNeeds,
): string[] {
  if (memory === undefined) {
    return [];
  }
  const { memoryMib, memoryOverheadMib } = memory;
  const wanted = wholeMemory(memory);
  const own =
    ownMemoryMib === 0 ? "" : ` beside the ${ownMemoryMib} MiB that it uses`;
  return freeMemoryMib + ownMemoryMib >= wanted
    ? []
    : [
        `there are ${freeMemoryMib} MiB of memory available${own}, must be ${wanted} (memoryMib ${memoryMib} and limits.memoryOverheadMib ${memoryOverheadMib})`,
      ];
}

/** The guest's and the hypervisor's. */
export function wholeMemory(memory: MachineMemory): number {
  return memory.memoryMib + memory.memoryOverheadMib;
}
