import type {
  HypervisorObject,
  Listing,
  OwnerMark,
} from "../../core/inventory/lister";
import { markInStem } from "../../core/inventory/nameMark";
import { namePrefix, type StackName } from "../../core/names";
import type { ProxmoxClient } from "../../core/proxmox-client/client";
import {
  isProxmoxFault,
  type ProxmoxError,
} from "../../core/proxmox-client/errors";
import { snippetIds, volumeIds } from "../../core/proxmox-client/machineConfig";
import {
  descriptionOf,
  listMachines,
  machineConfig,
  type MachineConfig,
  type MachineRow,
} from "../../core/proxmox-client/machines";
import { segment } from "../../core/proxmox-client/transport";
import { describeOwner } from "../../core/stamp";
import { KEPT_TAG, ownerOf } from "../owner";
import { describeMaking, settleMakings } from "./makings";
import { handles } from "./handles";

type Blind = Listing["blind"][number];

/** Machines whose configuration is asked for at the same time. */
const AT_ONCE = 8;

/**
 * Everything on a Proxmox VE cluster that the token may see. The configuration of every machine is
 * read, because a clone that was cut off has its stamp and no tag yet.
 *
 * @param stack whose objects are to be recognized.
 */
export async function listProxmox(
  client: ProxmoxClient,
  stack: StackName,
  say: (line: string) => void,
): Promise<Listing> {
  const nodes =
    await client.get<readonly { node: string; status: string }[]>("nodes");
  const [online, offline] = [true, false].map((wanted) =>
    nodes
      .filter(({ status }) => (status === "online") === wanted)
      .map(({ node }) => node),
  ) as [string[], string[]];
  const unsettled = await settleMakings(client, online, say);
  const [machines, snippets] = await Promise.all([
    listOwned(client, stack),
    listSnippets(client, online, stack),
  ]);
  return {
    objects: [...machines.objects, ...snippets.objects],
    blind: [
      ...offline.map((node) => ({
        prefix: handles.allSnippets,
        why: `node ${node} is offline: whose the machines and snippets on it are cannot be seen`,
      })),
      ...machines.blind.filter(({ node }) => !offline.includes(node)),
      ...snippets.blind,
    ],
    unsettled: unsettled.map(describeMaking),
  };
}

async function listOwned(
  client: ProxmoxClient,
  stack: StackName,
): Promise<{
  objects: HypervisorObject[];
  blind: (Blind & { node: string })[];
}> {
  const rows = await listMachines(client);
  const blind: (Blind & { node: string })[] = [];
  const look = async (row: MachineRow) => {
    try {
      return [machineObject(row, await machineConfig(client, row), stack)];
    } catch (error) {
      if (isProxmoxFault(error, "notFound")) {
        return []; // Gone since the list was made.
      }
      if (!isProxmoxFault(error, "permission", "unreachable", "timeout")) {
        throw error;
      }
      blind.push({ ...blindTo(row, error), node: row.node });
      return [machineObject(row, {}, stack)];
    }
  };
  const objects: HypervisorObject[] = [];
  for (let index = 0; index < rows.length; index += AT_ONCE) {
    const found = rows.slice(index, index + AT_ONCE).map(look);
    objects.push(...(await Promise.all(found)).flat());
  }
  // A machine goes before those whose disks it borrows.
  return {
    objects: objects.sort((a, b) => b.uses.length - a.uses.length),
    blind,
  };
}

function blindTo({ vmId }: MachineRow, error: ProxmoxError): Blind {
  return {
    prefix: handles.machine(vmId),
    why: `whose VM ${vmId} is cannot be seen: ${error.message}`,
  };
}

function machineObject(
  row: MachineRow,
  config: MachineConfig,
  stack: StackName,
): HypervisorObject {
  const { vmId, node, status, lock } = row;
  const owner = markOf(row, config, stack);
  const notes = [
    ...(lock === undefined ? [] : [`locked (${lock})`]),
    ...(isProtected(config) ? ["protected"] : []),
  ];
  return {
    kind: "vm",
    name: row.name ?? `VM ${vmId}`,
    id: `${node}/${vmId}`,
    handle: handles.machine(vmId),
    ...(owner && { owner }),
    uses: [
      ...lenders(vmId, config).map(handles.machine),
      ...snippetIds(config).map(handles.snippet),
    ],
    detail: [`${status} on ${node}`, ...notes].join(", "),
  };
}

/** Whether Proxmox VE refuses to remove the machine. */
export function isProtected({ protection }: MachineConfig): boolean {
  return String(protection) === "1";
}

/** Machines whose disks this one has: its template's, of a linked clone, and those lent to it. */
function lenders(vmId: number, config: MachineConfig): string[] {
  const owners = volumeIds(config).flatMap((volume) =>
    [...volume.matchAll(/\b(?:vm|base)-(\d+)-/g)].map(([, id = ""]) => id),
  );
  return [...new Set(owners)].filter((id) => id !== String(vmId));
}

function markOf(
  { vmId, tags }: MachineRow,
  config: MachineConfig,
  stack: StackName,
): OwnerMark | undefined {
  const stamp = ownerOf(descriptionOf(config), vmId);
  return (
    stamp && {
      stampId: stamp.id,
      namesThisStack: namePrefix(stamp) === namePrefix(stack),
      description: describeOwner(stamp),
      ...(tags.includes(KEPT_TAG) && { kept: true }),
    }
  );
}

async function listSnippets(
  client: ProxmoxClient,
  nodes: readonly string[],
  stack: StackName,
): Promise<{ objects: HypervisorObject[]; blind: Blind[] }> {
  const objects = new Map<string, HypervisorObject>();
  const blind: Blind[] = [];
  for (const node of nodes) {
    for (const { storage, shared } of await snippetStorages(client, node)) {
      try {
        for (const { volid } of await contentOf(client, node, storage)) {
          const key = shared ? volid : `${node}/${volid}`;
          objects.set(key, snippetObject(node, storage, volid, stack));
        }
      } catch (error) {
        if (!isProxmoxFault(error, "permission", "unreachable", "other")) {
          throw error;
        }
        blind.push({
          prefix: handles.snippetsOf(storage),
          why: `snippets in storage ${storage} on node ${node} cannot be seen: ${error.message}`,
        });
      }
    }
  }
  return { objects: [...objects.values()], blind };
}

async function snippetStorages(
  client: ProxmoxClient,
  node: string,
): Promise<{ storage: string; shared: boolean }[]> {
  const storages = await client.get<
    readonly { storage: string; shared?: number; content?: string }[]
  >(`nodes/${segment(node)}/storage`, { content: "snippets", enabled: true });
  return storages
    .filter(({ content }) => content?.split(",").includes("snippets") ?? true)
    .map(({ storage, shared }) => ({ storage, shared: shared === 1 }));
}

function contentOf(
  client: ProxmoxClient,
  node: string,
  storage: string,
): Promise<readonly { volid: string }[]> {
  return client.get(
    `nodes/${segment(node)}/storage/${segment(storage)}/content`,
    { content: "snippets" },
  );
}

function snippetObject(
  node: string,
  storage: string,
  volumeId: string,
  stack: StackName,
): HypervisorObject {
  const name = volumeId.slice(volumeId.lastIndexOf("/") + 1);
  const owner = markInStem(name.replace(/\.ya?ml$/, ""), stack);
  return {
    kind: "snippet",
    name,
    id: `${node}/${volumeId}`,
    handle: handles.snippet(volumeId),
    ...(owner && { owner }),
    uses: [],
    detail: `storage ${storage} on ${node}`,
  };
}
