import { renderFaults } from "../core/faults";
import { permissionRemedy } from "../core/proxmox-client/answers";
import type { ProxmoxClient } from "../core/proxmox-client/client";
import { isProxmoxFault } from "../core/proxmox-client/errors";
import {
  descriptionOf,
  listMachines,
  machineConfig,
  type MachineRow,
} from "../core/proxmox-client/machines";
import { segment } from "../core/proxmox-client/transport";
import { LEFTOVER, takenProblem } from "../core/taken";
import { ownerOf } from "./owner";
import {
  machineWishes,
  snippetWishes,
  type NewInputs,
  type Wishes,
} from "./wishes";

/** A storage of a node. */
interface Storage {
  readonly storage: string;
  readonly content?: string;
  readonly enabled?: number;
  readonly active?: number;
}

/**
 * Refuses, with everything that is in the way, when a machine cannot be made: its VM id is taken, or
 * node, template, storages or privileges of the token are not as it needs them.
 */
export async function checkMachine(
  client: ProxmoxClient,
  inputs: NewInputs,
  disk?: string,
): Promise<void> {
  const wishes = machineWishes(inputs, disk);
  const rows = await listMachines(client);
  const [nodes, ...others] = await Promise.all([
    nodeProblems(client, wishes.node),
    vmIdProblems(client, wishes, rows),
    Promise.resolve(templateProblems(client, wishes, rows)),
    privilegeProblems(client, wishes),
  ]);
  // A node that is not there has no storages either.
  const storages =
    nodes.length > 0 ? [] : await storageProblems(client, wishes);
  refuse(client, wishes, [...nodes, ...others.flat(), ...storages]);
}

/** Refuses when a snippet cannot be stored, or one of its name is there already. */
export async function checkSnippet(
  client: ProxmoxClient,
  inputs: NewInputs,
): Promise<void> {
  const wishes = snippetWishes(inputs);
  const problems = await nodeProblems(client, wishes.node);
  if (problems.length === 0) {
    problems.push(...(await storageProblems(client, wishes)));
  }
  if (problems.length === 0) {
    problems.push(...(await snippetProblems(client, wishes)));
  }
  refuse(client, wishes, problems);
}

interface Problem {
  /** Argument of the component. */
  readonly path: string;
  readonly problem: string;
}

function refuse(
  { server }: ProxmoxClient,
  { name }: Wishes,
  problems: readonly Problem[],
): void {
  if (problems.length > 0) {
    throw new Error(renderFaults(`${name} at ${server}`, problems));
  }
}

async function nodeProblems(
  client: ProxmoxClient,
  node: string,
): Promise<Problem[]> {
  const nodes =
    await client.get<readonly { node: string; status: string }[]>("nodes");
  const found = nodes.find((candidate) => candidate.node === node);
  if (found === undefined) {
    const names = nodes.map((candidate) => candidate.node).sort();
    const problem = `is "${node}", which is no node of this cluster; must be one of ${names.join(", ")}`;
    return [{ path: "node", problem }];
  }
  return found.status === "online"
    ? []
    : [{ path: "node", problem: `is "${node}", which is ${found.status}` }];
}

async function vmIdProblems(
  client: ProxmoxClient,
  { vmId, vmIdPath, own }: Wishes,
  rows: readonly MachineRow[],
): Promise<Problem[]> {
  if (vmId === undefined) {
    return [];
  }
  const row = rows.find((candidate) => candidate.vmId === vmId);
  if (row === undefined) {
    return (await isFree(client, vmId))
      ? []
      : [hiddenTaker(client, vmId, vmIdPath)];
  }
  const found = ownerOf(await readableDescription(client, row), vmId);
  const name = row.name === undefined ? "" : ` "${row.name}"`;
  if (found === undefined && /^(clone|create)$/.test(row.lock ?? "")) {
    const problem =
      `is ${vmId}, which a machine has that is being made on node ${row.node}, or was when the node went ` +
      `down. Wait for its end; when no task works on it any more: qm unlock ${vmId}; qm destroy ${vmId} --purge`;
    return [{ path: vmIdPath, problem }];
  }
  const problem = takenProblem({
    subject: `${vmId}`,
    object: `VM ${vmId}${name}`,
    kind: `VM${name} on node ${row.node}`,
    place: client.server,
    found,
    own,
    remove: `qm stop ${vmId}; qm destroy ${vmId} --purge`,
    wayOut: `give another ${vmIdPath}`,
  });
  return [{ path: vmIdPath, problem: `is ${vmId}: ${problem}` }];
}

function hiddenTaker(
  { server }: ProxmoxClient,
  vmId: number,
  path: string,
): Problem {
  const problem =
    `is ${vmId}, which something at ${server} has that the token may not see (VM.Audit on ` +
    `/vms/${vmId}), such as a container; give another vmId`;
  return { path, problem };
}

/** Also containers have ids, and machines that the token may not see. */
async function isFree(client: ProxmoxClient, vmid: number): Promise<boolean> {
  try {
    await client.get("cluster/nextid", { vmid });
    return true;
  } catch (error) {
    if (isProxmoxFault(error, "exists")) {
      return false;
    }
    throw error;
  }
}

/** Empty where it cannot be read: then nobody can tell whose it is. */
async function readableDescription(
  client: ProxmoxClient,
  row: MachineRow,
): Promise<string> {
  try {
    return descriptionOf(await machineConfig(client, row));
  } catch (error) {
    if (isProxmoxFault(error, "permission", "unreachable", "notFound")) {
      return "";
    }
    throw error;
  }
}

function templateProblems(
  { server }: ProxmoxClient,
  { template }: Wishes,
  rows: readonly MachineRow[],
): Problem[] {
  if (template === undefined) {
    return [];
  }
  const { vmId, node } = template;
  const found = rows.find((row) => row.vmId === vmId);
  if (found === undefined) {
    const there = rows
      .filter(({ isTemplate }) => isTemplate)
      .map((row) => `${row.vmId} (${row.name ?? "no name"})`);
    const known =
      there.length > 0
        ? `the templates that the token sees are ${there.join(", ")}`
        : "the token sees no template (it needs VM.Audit on it)";
    const problem = `is ${vmId}, and there is no such VM at ${server}; ${known}`;
    return [{ path: "template.vmId", problem }];
  }
  if (found.node !== node) {
    const problem = `is "${node}", but VM ${vmId} is on node ${found.node}; give template.node`;
    return [{ path: "template.node", problem }];
  }
  if (found.lock !== undefined) {
    const problem = `is ${vmId}, which is locked (${found.lock}) right now`;
    return [{ path: "template.vmId", problem }];
  }
  return [];
}

async function storageProblems(
  client: ProxmoxClient,
  { node, storages }: Wishes,
): Promise<Problem[]> {
  const there = await client.get<readonly Storage[]>(
    `nodes/${segment(node)}/storage`,
  );
  return storages.flatMap(({ path, storage, content }) => {
    const found = there.find((candidate) => candidate.storage === storage);
    const problem = storageProblem(found, storage, node, content, there);
    return problem === undefined ? [] : [{ path, problem }];
  });
}

function storageProblem(
  found: Storage | undefined,
  storage: string,
  node: string,
  content: string,
  there: readonly Storage[],
): string | undefined {
  const takes = (candidate: Storage) =>
    candidate.content?.split(",").includes(content) ?? false;
  const fitting = there
    .filter(takes)
    .map((candidate) => candidate.storage)
    .sort();
  const choice =
    fitting.length > 0
      ? `storages there that take ${content}: ${fitting.join(", ")}`
      : `no storage there takes ${content} (Datacenter, Storage, Content)`;
  if (found === undefined) {
    return `is "${storage}", which is no storage of node ${node} that the token sees; ${choice}`;
  }
  if (found.enabled === 0 || found.active === 0) {
    return `is "${storage}", which is not active on node ${node}`;
  }
  return takes(found)
    ? undefined
    : `is "${storage}", which takes ${found.content ?? "nothing"} and not ${content}; ${choice}`;
}

async function privilegeProblems(
  client: ProxmoxClient,
  { privileges }: Wishes,
): Promise<Problem[]> {
  const problems = await Promise.all(
    privileges.map(async ({ path, needed, orAt }) => {
      const granted = await grantedAt(client, path);
      const elsewhere =
        orAt === undefined ? new Set<string>() : await grantedAt(client, orAt);
      const missing = needed.filter(
        (privilege) => !granted.has(privilege) && !elsewhere.has(privilege),
      );
      return missing.length === 0
        ? []
        : [
            {
              path: "apiToken",
              problem: `is not enough. ${permissionRemedy(client.user, missing.join(", "), orAt ?? path)}`,
            },
          ];
    }),
  );
  return problems.flat();
}

/** The privileges that the token has at a path of the access list, inherited ones among them. */
async function grantedAt(
  client: ProxmoxClient,
  path: string,
): Promise<Set<string>> {
  const granted = await client.get<
    Readonly<Record<string, Readonly<Record<string, unknown>>>>
  >("access/permissions", { path });
  return new Set(Object.keys(granted[path] ?? {}));
}

async function snippetProblems(
  client: ProxmoxClient,
  { node, snippet }: Wishes,
): Promise<Problem[]> {
  if (snippet === undefined) {
    return [];
  }
  const { storage, volumeId } = snippet;
  const there = await client.get<readonly { volid: string }[]>(
    `nodes/${segment(node)}/storage/${segment(storage)}/content`,
    { content: "snippets" },
  );
  const problem =
    `is taken: the snippet "${volumeId}" exists already on node ${node}. ${LEFTOVER} ` +
    `pvesm free ${volumeId}`;
  return there.some(({ volid }) => volid === volumeId)
    ? [{ path: "snippetStorage", problem }]
    : [];
}
