import type { SeedFiles } from "../../seedIso";
import type { NetworkDevice } from "../config/nets";
import type { MachineState } from "../state/model";

/** A disk or CD of a guest that is to start. */
export interface GuestDisk {
  /** Its key in the configuration: `scsi0`, `ide2`. */
  readonly key: string;
  /** File of its data. */
  readonly file: string;
  readonly format: "raw" | "qcow2" | "vmdk";
  readonly isCd: boolean;
}

/** A device that a running machine can be given. */
export type Device =
  | { readonly kind: "disk"; readonly disk: GuestDisk }
  | { readonly kind: "network"; readonly card: NetworkDevice };

/** What a guest is started with. */
export interface GuestSpec {
  readonly machine: MachineState;
  /** Configuration with which it starts. */
  readonly config: Readonly<Record<string, string>>;
  readonly disks: readonly GuestDisk[];
}

/** How a guest is asked to shut down. */
export type ShutdownWay = "agent" | "acpi";

/** The guest agent, or the lack of one, in Proxmox's words. */
export class AgentError extends Error {}

/** What runs the machines: real guests, or none at all. */
export interface GuestBackend {
  /** What stands for the template's disk in the books. */
  templateImage(): string | undefined;
  /** Makes the data of an empty disk. Returns what stands for it in the books. */
  createDisk(
    vmId: number,
    volume: string,
    bytes: number,
  ): Promise<string | undefined>;
  /** Makes data from other data: a full copy, or one that stands on it. */
  copyDisk(
    vmId: number,
    volume: string,
    source: string | undefined,
    linked: boolean,
  ): Promise<string | undefined>;
  /** Size of an image in bytes; undefined when only the books know. */
  imageSize(file: string): Promise<number | undefined>;
  resizeDisk(
    machine: MachineState,
    key: string,
    data: string | undefined,
    bytes: number,
  ): Promise<void>;
  deleteDisk(data: string | undefined): Promise<void>;

  /** Writes a machine's cloud-init drive. Returns what stands for its data in the books. */
  writeCloudInit(vmId: number, files: SeedFiles): Promise<string | undefined>;
  start(guest: GuestSpec): Promise<void>;
  /** Gives a running guest a device, takes one from it, or changes one. */
  replug(
    machine: MachineState,
    from: Device | undefined,
    to: Device | undefined,
  ): Promise<void>;
  /** Whether it runs now: a guest may have ended by itself. */
  isRunning(machine: MachineState): Promise<boolean>;
  /** Ends it at once. */
  kill(machine: MachineState): Promise<void>;
  reset(machine: MachineState): Promise<void>;
  /** Asks it to shut down, and returns at once. */
  requestShutdown(machine: MachineState, way: ShutdownWay): Promise<void>;

  /**
   * Runs a command of the guest agent, without its prefix `guest-`.
   *
   * @throws AgentError when there is none, or it refuses.
   */
  agent(
    machine: MachineState,
    command: string,
    args?: Readonly<Record<string, unknown>>,
    timeoutSeconds?: number,
  ): Promise<unknown>;

  /** Snapshots of the disks' data. */
  snapshot(
    machine: MachineState,
    name: string,
    disks: readonly GuestDisk[],
    withMemory: boolean,
  ): Promise<void>;
  rollback(
    machine: MachineState,
    name: string,
    disks: readonly GuestDisk[],
  ): Promise<void>;
  deleteSnapshot(
    machine: MachineState,
    name: string,
    disks: readonly GuestDisk[],
  ): Promise<void>;

  /** What a guest wrote on its serial console; empty without a real guest. */
  console(vmId: number): string;
  /** Removes what is kept of a machine beside its disks. */
  forget(vmId: number): Promise<void>;
  /** Guests that run and files that are there of machines other than the given, one line each. */
  leftovers(vmIds: readonly number[]): Promise<string[]>;
  /** Removes all guests and their data. */
  dispose(): Promise<void>;
}
