import { messageOf } from "@corral-iac/corral/core/errors";
import type { MachineStatus } from "@corral-iac/corral/core/inventory/status";
import { openStack } from "../engine/openStack";
import type { StackSelection } from "../engine/pulumi";
import { exportState, resourcesOf } from "../engine/state";
import { parseUrn } from "../engine/urn";
import { contextOf } from "../inventory/context";
import { listersFor } from "../inventory/listers";
import { table } from "../inventory/words";

/** A machine in the table. */
interface Row extends MachineStatus {
  readonly machine: string;
  readonly hypervisor: string;
  readonly place: string;
}

/**
 * The command `corral status`: one table over all machines of the stack, as they are right now.
 *
 * @returns 0; 1 when a hypervisor could not be asked.
 */
export async function status(
  selection: StackSelection,
  { json }: { readonly json: boolean },
): Promise<number> {
  const { pulumi } = await openStack(selection);
  const resources = resourcesOf(await exportState(pulumi));
  const rows: Row[] = [];
  let complete = true;
  for (const lister of await listersFor(resources, [], contextOf(pulumi))) {
    const { places, references } = lister.survey(resources);
    for (const place of places) {
      try {
        for (const machine of await lister.status(place, references)) {
          const hypervisor = lister.hypervisor;
          rows.push({
            ...machine,
            machine: nameOf(machine),
            hypervisor,
            place,
          });
        }
      } catch (error) {
        complete = false;
        const why = messageOf(error);
        console.error(`warning: ${place}: ${why}`);
      }
    }
  }
  console.log(json ? JSON.stringify(rows, undefined, 2) : statusTable(rows));
  return complete ? 0 : 1;
}

/** The component's name: the machine's resource is its child, named `NAME-domain` or alike. */
function nameOf({ urn }: MachineStatus): string {
  return (parseUrn(urn)?.name ?? urn).replace(/-[a-z]+$/, "");
}

function statusTable(rows: readonly Row[]): string {
  if (rows.length === 0) {
    return "The stack has no machines.";
  }
  const mib = (value: number | undefined) =>
    value === undefined ? "" : `${value} MiB`;
  return table(
    [
      "machine",
      "state",
      "addresses",
      "vcpus",
      "memory",
      "resident",
      "cpu time",
      "pid",
      "up",
      "where",
    ],
    rows.map((row) => [
      row.machine,
      row.state,
      row.addresses.join(", "),
      row.vcpus === undefined ? "" : String(row.vcpus),
      mib(row.memoryMib),
      mib(row.residentMib),
      cpuTime(row.cpuSeconds),
      row.pid === undefined ? "" : String(row.pid),
      uptime(row.uptimeSeconds),
      row.node === undefined ? row.place : `${row.place} (${row.node})`,
    ]),
  );
}

/** As `ps` says it, in hours only where there are any: `0:07`, `12:34`, `3:02:01`. */
function cpuTime(seconds: number | undefined): string {
  if (seconds === undefined) {
    return "";
  }
  const two = (value: number) => String(value).padStart(2, "0");
  const [hours, minutes] = [
    Math.floor(seconds / 3600),
    Math.floor(seconds / 60) % 60,
  ];
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(seconds % 60)}`
    : `${minutes}:${two(seconds % 60)}`;
}

/** As `uptime` says it, short: `3d 4h`, `4h 5m`, `5m`. */
function uptime(seconds: number | undefined): string {
  if (seconds === undefined) {
    return "";
  }
  const minutes = Math.floor(seconds / 60);
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60)];
  if (days > 0) {
    return `${days}d ${hours % 24}h`;
  }
  return hours > 0 ? `${hours}h ${minutes % 60}m` : `${minutes}m`;
}
