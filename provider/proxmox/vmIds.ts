import { createHash } from "node:crypto";
import type { ProxmoxClient } from "@corral-iac/corral/core/proxmox-client/client";
import { isProxmoxFault } from "@corral-iac/corral/core/proxmox-client/errors";

/** Below are the ids that people give by hand. */
const FIRST = 10_000;
const COUNT = 90_000;
/** So many taken ones in a row mean that something else is wrong. */
const MOST_TRIES = 1000;

/**
 * Ids to try, in their order. The first one is derived from the key, so that machines made at the
 * same time, also by other stacks, do not all want the lowest free one.
 */
export function* candidateIds(key: string): Generator<number> {
  const start = createHash("sha256").update(key).digest().readUInt32BE(0);
  for (let step = 0; step < COUNT; step += 1) {
    yield FIRST + ((start + step) % COUNT);
  }
}

/** Ids that this process has given away, by server: their machines may not be there yet. */
const given = new Map<string, Set<number>>();

/**
 * Chooses a VM id that is free in the cluster.
 *
 * @param key what it is for.
 */
export async function chooseVmId(
  client: Pick<ProxmoxClient, "get" | "server">,
  key: string,
  signal?: AbortSignal,
): Promise<number> {
  const taken = given.get(client.server) ?? new Set<number>();
  given.set(client.server, taken);
  let tries = 0;
  for (const id of candidateIds(key)) {
    tries += 1;
    if (tries > MOST_TRIES) {
      break;
    }
    if (taken.has(id)) {
      continue;
    }
    taken.add(id); // Before the look, for the machines that are made meanwhile.
    if (await isFree(client, id, signal)) {
      return id;
    }
  }
  throw new Error(
    `no free VM id was found at ${client.server} in ${MOST_TRIES} tries; give vmId`,
  );
}

async function isFree(
  client: Pick<ProxmoxClient, "get">,
  vmid: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    await client.get("cluster/nextid", { vmid }, { signal });
    return true;
  } catch (error) {
    if (isProxmoxFault(error, "exists")) {
      return false;
    }
    throw error;
  }
}
