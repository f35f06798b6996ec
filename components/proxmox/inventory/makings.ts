import { setTimeout as delay } from "node:timers/promises";
import type { ProxmoxClient } from "../../core/proxmox-client/client";
import { isProxmoxFault } from "../../core/proxmox-client/errors";
import {
  descriptionOf,
  findMachine,
  machineConfig,
} from "../../core/proxmox-client/machines";
import {
  cloneTarget,
  parseUpid,
  type Upid,
} from "../../core/proxmox-client/tasks";
import { segment } from "../../core/proxmox-client/transport";
import { ownerOf } from "../owner";

/** A machine that the server still makes: a clone, or one from an image. */
export interface Making {
  readonly upid: string;
  /** The template; undefined: made from an image, or empty. */
  readonly source: string | undefined;
  /** The machine, where the task says which. */
  readonly target: number | undefined;
}

/** For so long unknown clones are waited for before they are told to the user. */
const PATIENCE_SECONDS = 600;
const POLL_MILLISECONDS = 1000;
const SAY_MILLISECONDS = 15_000;

/**
 * Waits until it can be told of every machine that this token began to make whose it is. It has no
 * description before its disks are copied, and no list shows it in its first moment; what a run that
 * died had ordered may be among them.
 *
 * @returns those that still run after the time is over.
 */
export async function settleMakings(
  client: ProxmoxClient,
  nodes: readonly string[],
  say: (line: string) => void,
  patienceSeconds = PATIENCE_SECONDS,
): Promise<Making[]> {
  const start = Date.now();
  let said = -Infinity;
  for (;;) {
    const unknown = await unknownMakings(client, nodes);
    const waited = Date.now() - start;
    if (unknown.length === 0 || waited > patienceSeconds * 1000) {
      return unknown;
    }
    if (waited - said >= SAY_MILLISECONDS) {
      said = waited;
      say(
        `Waiting for ${client.server} to tell whose it is: ${unknown.map(describeMaking).join(", ")} ` +
          `(${Math.round(waited / 1000)} of ${patienceSeconds} s)`,
      );
    }
    await delay(POLL_MILLISECONDS);
  }
}

/** Such a machine in words. */
export function describeMaking({ upid, source, target }: Making): string {
  const machine = target === undefined ? "a machine" : `VM ${target}`;
  const origin = source === undefined ? "" : `, a clone of ${source}`;
  return `${machine}${origin}, which is being made (task ${upid})`;
}

/** Machines of this token that are being made and carry no stamp yet. */
async function unknownMakings(
  client: ProxmoxClient,
  nodes: readonly string[],
): Promise<Making[]> {
  const running = (
    await Promise.all(nodes.map((node) => makingsOn(client, node)))
  ).flat();
  const isKnown = await Promise.all(
    running.map(
      ({ target }) => target !== undefined && hasStamp(client, target),
    ),
  );
  return running.filter((_, index) => !isKnown[index]);
}

async function makingsOn(
  client: ProxmoxClient,
  node: string,
): Promise<Making[]> {
  const tasks = await client.get<readonly { upid: string; endtime?: number }[]>(
    `nodes/${segment(node)}/tasks`,
    { source: "active", limit: 500 },
  );
  const own = tasks
    // Those that ended lately are among them.
    .filter(({ endtime }) => endtime === undefined)
    .flatMap(({ upid }) => parseUpid(upid) ?? [])
    .filter(({ user }) => user === client.user);
  return Promise.all(
    own.flatMap((task): (Making | Promise<Making>)[] => {
      switch (task.type) {
        case "qmclone":
          return [clonedBy(client, task)];
        case "qmcreate":
          return [
            { upid: task.text, source: undefined, target: Number(task.id) },
          ];
        default:
          return [];
      }
    }),
  );
}

/** The task of a clone is named after its template. */
async function clonedBy(
  client: ProxmoxClient,
  { text, id }: Upid,
): Promise<Making> {
  const log = await client.taskLog(text).catch(() => []);
  return { upid: text, source: id, target: cloneTarget(log) };
}

async function hasStamp(client: ProxmoxClient, vmId: number): Promise<boolean> {
  try {
    const machine = await findMachine(client, vmId);
    const config = machine && (await machineConfig(client, machine));
    return (
      config !== undefined && ownerOf(descriptionOf(config), vmId) !== undefined
    );
  } catch (error) {
    if (isProxmoxFault(error, "notFound", "permission")) {
      return false;
    }
    throw error;
  }
}
