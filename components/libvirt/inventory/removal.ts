import type { HypervisorObject } from "../../core/inventory/lister";
import { LibvirtClient } from "../../core/libvirt-client/client";
import { isFault, type LibvirtFault } from "../../core/libvirt-client/errors";
import { hasRotations, rotationsOf } from "./nameMark";

/** Faults of a thing that is gone already. */
const GONE: readonly LibvirtFault[] = [
  "noDomain",
  "noNetwork",
  "noPool",
  "noVolume",
];

/**
 * Removes an object from a libvirt host for good: a domain is powered off, not shut down, because a
 * leftover never got ready. Nothing happens when it is gone already.
 */
export async function removeFromLibvirt(
  uri: string,
  object: HypervisorObject,
): Promise<void> {
  const client = new LibvirtClient(uri);
  const key = object.handle.slice(object.handle.indexOf(":") + 1);
  switch (object.kind) {
    case "domain":
      return removeDomain(client, key);
    case "network":
      return removeNetwork(client, key);
    case "volume":
      return removeVolume(client, key);
    case "pool":
      return removePool(client, key);
    default:
      throw new Error(`libvirt knows nothing of the kind "${object.kind}"`);
  }
}

async function removeDomain(client: LibvirtClient, id: string): Promise<void> {
  await unlessOff(client.virsh.run(["destroy", id]));
  await unlessGone(
    client.virsh.run([
      "undefine",
      id,
      "--nvram",
      "--managed-save",
      "--snapshots-metadata",
      "--checkpoints-metadata",
    ]),
  );
}

async function removeNetwork(client: LibvirtClient, id: string): Promise<void> {
  await unlessOff(client.virsh.run(["net-destroy", id]));
  await unlessGone(client.virsh.run(["net-undefine", id]));
}

/** With a console's file go its rotations, which share its handle: only for them the pool is listed. */
async function removeVolume(client: LibvirtClient, key: string): Promise<void> {
  const [pool = "", ...rest] = key.split("/");
  const name = rest.join("/");
  const volumes = hasRotations(name)
    ? rotationsOf(name, await client.volumeNames(pool).catch(() => [name]))
    : [name];
  for (const volume of volumes) {
    await unlessGone(client.deleteVolume(pool, volume));
  }
}

/** Its folder goes with it when nothing else is in there. */
async function removePool(client: LibvirtClient, name: string): Promise<void> {
  await unlessOff(client.virsh.run(["pool-destroy", name]));
  await client.virsh.run(["pool-delete", name]).catch(() => undefined);
  await unlessGone(client.virsh.run(["pool-undefine", name]));
}

async function unlessGone(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isFault(error, ...GONE)) {
      throw error;
    }
  }
}

/** What is off already, or was never persistent and so went with its end, needs no stopping. */
async function unlessOff(work: Promise<unknown>): Promise<void> {
  try {
    await unlessGone(work);
  } catch (error) {
    if (!(
      error instanceof Error && /is not (running|active)/.test(error.message)
    )) {
      throw error;
    }
  }
}
