import { reachableAddresses } from "../../core/addresses";
import type { Reference } from "../../core/inventory/lister";
import type { MachineStatus } from "../../core/inventory/status";
import { agentAddresses } from "../../core/proxmox-client/agent";
import type { ProxmoxClient } from "../../core/proxmox-client/client";
import { isProxmoxFault } from "../../core/proxmox-client/errors";
import {
  listMachines,
  machineState,
  type MachineAddress,
  type MachineRow,
  type MachineState,
} from "../../core/proxmox-client/machines";
import { HOLDER_TAG } from "../owner";
import { handles, TYPES } from "./handles";

/** An agent that does not answer at once has no address to tell. */
const AGENT_SECONDS = 4;

/** The machines among the references, as they are right now. */
export async function statusOfMachines(
  client: ProxmoxClient,
  references: readonly Reference[],
): Promise<MachineStatus[]> {
  const rows = new Map(
    (await listMachines(client)).map((row) => [handles.machine(row.vmId), row]),
  );
  const machines = references.filter(
    ({ type, place, handle }) =>
      type === TYPES.machine &&
      place === client.server &&
      !rows.get(handle)?.tags.includes(HOLDER_TAG),
  );
  return Promise.all(
    machines.map(async ({ urn, handle }) => {
      const row = rows.get(handle);
      return row === undefined
        ? { urn, state: "gone", addresses: [] }
        : { urn, ...(await statusOf(client, row)) };
    }),
  );
}

async function statusOf(
  client: ProxmoxClient,
  row: MachineRow,
): Promise<Omit<MachineStatus, "urn">> {
  const { node } = row;
  try {
    const state = await machineState(client, row);
    return {
      ...statusIn(state),
      node,
      addresses: await addressesOf(client, row),
    };
  } catch (error) {
    if (isProxmoxFault(error, "unreachable", "timeout")) {
      return { state: "unknown", node, addresses: [] };
    }
    throw error;
  }
}

/** What a machine's state says, in the table's units. */
export function statusIn(
  machine: MachineState,
): Pick<
  MachineStatus,
  "state" | "vcpus" | "memoryMib" | "residentMib" | "uptimeSeconds"
> {
  const { status, qmpStatus, lock, vcpus } = machine;
  const { memoryBytes, usedMemoryBytes, uptimeSeconds } = machine;
  const state = qmpStatus ?? status;
  return {
    state: lock === undefined ? state : `${state} (${lock})`,
    ...(vcpus !== undefined && { vcpus }),
    ...(memoryBytes !== undefined && { memoryMib: mib(memoryBytes) }),
    ...(usedMemoryBytes && { residentMib: mib(usedMemoryBytes) }),
    ...(uptimeSeconds && { uptimeSeconds }),
  };
}

/** No agent, or none that may be asked, is no fault here. */
async function addressesOf(
  client: ProxmoxClient,
  machine: MachineAddress,
): Promise<string[]> {
  const found = await agentAddresses(client, machine, {
    timeoutSeconds: AGENT_SECONDS,
  }).catch(() => []);
  return reachableAddresses(found, undefined);
}

function mib(bytes: number): number {
  return Math.round(bytes / 1024 ** 2);
}
