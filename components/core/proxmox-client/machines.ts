import type { ProxmoxClient } from "./client";
import type { RequestBounds } from "../boundedHttps";
import { segment } from "./transport";

/** A virtual machine's place in the API. */
export interface MachineAddress {
  readonly node: string;
  readonly vmId: number;
}

/** A virtual machine as the cluster's list shows it. */
export interface MachineRow extends MachineAddress {
  /** Missing while it is made, and on a node that is down. */
  readonly name: string | undefined;
  /** `running`, `stopped`, or `unknown`; some seconds old. */
  readonly status: string;
  readonly tags: readonly string[];
  /** What works on it, for instance `clone` or `backup`. */
  readonly lock: string | undefined;
  readonly isTemplate: boolean;
}

/** A machine's configuration: every value is text or a number. */
export type MachineConfig = Readonly<Record<string, unknown>>;

/** What a machine does right now. */
export interface MachineState {
  readonly status: string;
  /** QEMU's own word, for instance `paused` or `io-error`. */
  readonly qmpStatus: string | undefined;
  readonly lock: string | undefined;
  readonly vcpus: number | undefined;
  /** What the guest may use. */
  readonly memoryBytes: number | undefined;
  readonly usedMemoryBytes: number | undefined;
  readonly uptimeSeconds: number | undefined;
}

/** The path of something of a machine, below `/api2/json/`. */
export function machinePath(
  { node, vmId }: MachineAddress,
  ...parts: readonly string[]
): string {
  return ["nodes", segment(node), "qemu", String(vmId), ...parts].join("/");
}

/** All virtual machines of the cluster that the token may see, by one request. */
export async function listMachines(
  client: ProxmoxClient,
  options?: RequestBounds,
): Promise<MachineRow[]> {
  const rows = await client.get<readonly ClusterRow[]>(
    "cluster/resources",
    { type: "vm" },
    options,
  );
  return rows.filter(({ type }) => type === "qemu").map(rowOf);
}

/** A machine by its id, wherever in the cluster it is; undefined when there is none. */
export async function findMachine(
  client: ProxmoxClient,
  vmId: number,
  options?: RequestBounds,
): Promise<MachineRow | undefined> {
  const rows = await listMachines(client, options);
  return rows.find((row) => row.vmId === vmId);
}

/** A machine's configuration, with what is to change at its next start. */
export function machineConfig(
  client: ProxmoxClient,
  machine: MachineAddress,
  options?: RequestBounds,
): Promise<MachineConfig> {
  return client.get(machinePath(machine, "config"), {}, options);
}

/** A machine's description; empty if it has none. */
export function descriptionOf({ description }: MachineConfig): string {
  return typeof description === "string" ? description : "";
}

export async function machineState(
  client: ProxmoxClient,
  machine: MachineAddress,
  options?: RequestBounds,
): Promise<MachineState> {
  const answer = await client.get<StatusAnswer>(
    machinePath(machine, "status", "current"),
    {},
    options,
  );
  return {
    status: answer.status,
    qmpStatus: answer.qmpstatus,
    lock: answer.lock || undefined,
    vcpus: answer.cpus,
    memoryBytes: answer.maxmem,
    usedMemoryBytes: answer.mem,
    uptimeSeconds: answer.uptime,
  };
}

interface StatusAnswer {
  readonly status: string;
  readonly qmpstatus?: string;
  readonly lock?: string;
  readonly cpus?: number;
  readonly maxmem?: number;
  readonly mem?: number;
  readonly uptime?: number;
}

interface ClusterRow {
  readonly type: string;
  readonly vmid: number;
  readonly node: string;
  readonly name?: string;
  readonly status?: string;
  readonly tags?: string;
  readonly lock?: string;
  readonly template?: number;
}

function rowOf(row: ClusterRow): MachineRow {
  return {
    node: row.node,
    vmId: Number(row.vmid),
    name: row.name,
    status: row.status ?? "unknown",
    tags: (row.tags ?? "").split(/[;,\s]+/).filter((tag) => tag !== ""),
    lock: row.lock || undefined,
    isTemplate: row.template === 1,
  };
}
