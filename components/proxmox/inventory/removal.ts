import { setTimeout as delay } from "node:timers/promises";
import type { HypervisorObject } from "../../core/inventory/lister";
import type { ProxmoxClient } from "../../core/proxmox-client/client";
import { isProxmoxFault } from "../../core/proxmox-client/errors";
import {
  descriptionOf,
  findMachine,
  machineConfig,
  machinePath,
  machineState,
  type MachineRow,
} from "../../core/proxmox-client/machines";
import { segment } from "../../core/proxmox-client/transport";
import { ownerOf } from "../owner";
import { isProtected } from "./listing";

/** A machine that is being made is waited for: it cannot be removed before. */
const MAKING_LOCKS: readonly (string | undefined)[] = ["clone", "create"];
const MAKING_SECONDS = 1800;
const MAKING_POLL_MILLISECONDS = 1000;

/**
 * Removes an object from a Proxmox VE server for good, and waits until it is gone. A machine is
 * stopped, not shut down, because a leftover never got ready. Nothing happens when it is gone already.
 *
 * @throws Error when the machine is protected, locked or somebody else's by now: it is not touched.
 */
export async function removeFromProxmox(
  client: ProxmoxClient,
  object: HypervisorObject,
): Promise<void> {
  switch (object.kind) {
    case "vm":
      return removeMachine(client, object);
    case "snippet":
      return removeSnippet(client, object);
    default:
      throw new Error(`Proxmox VE knows nothing of the kind "${object.kind}"`);
  }
}

async function removeMachine(
  client: ProxmoxClient,
  object: HypervisorObject,
): Promise<void> {
  const vmId = Number(object.id.slice(object.id.indexOf("/") + 1));
  const machine = await settled(client, vmId);
  if (machine === undefined) {
    return;
  }
  await unlessGone(async () => {
    await refuseUntouchable(client, machine, object);
    const { status } = await machineState(client, machine);
    if (status !== "stopped") {
      await done(client, client.post(machinePath(machine, "status", "stop")));
    }
    await done(
      client,
      client.delete(machinePath(machine), {
        purge: true,
        "destroy-unreferenced-disks": true,
      }),
    );
  });
}

/** The machine when it is no longer being made; undefined when there is none, or none any more. */
async function settled(
  client: ProxmoxClient,
  vmId: number,
): Promise<MachineRow | undefined> {
  const deadline = Date.now() + MAKING_SECONDS * 1000;
  for (;;) {
    const machine = await findMachine(client, vmId);
    if (!MAKING_LOCKS.includes(machine?.lock) || Date.now() > deadline) {
      return machine;
    }
    await delay(MAKING_POLL_MILLISECONDS);
  }
}

/** What was listed may be another's meanwhile: VM ids are used again. */
async function refuseUntouchable(
  client: ProxmoxClient,
  machine: MachineRow,
  { owner }: HypervisorObject,
): Promise<void> {
  const { vmId } = machine;
  const config = await machineConfig(client, machine);
  if (ownerOf(descriptionOf(config), vmId)?.id !== owner?.stampId) {
    throw new Error(
      `VM ${vmId} is another machine by now, so it was not touched`,
    );
  }
  if (isProtected(config)) {
    throw new Error(
      `it is protected; take that away first: qm set ${vmId} --protection 0`,
    );
  }
  const lock = machine.lock ?? config.lock;
  if (lock) {
    throw new Error(
      `it is locked (${String(lock)}); wait until what works on it has ended, or, when nothing does: qm unlock ${vmId}`,
    );
  }
}

async function removeSnippet(
  client: ProxmoxClient,
  { id }: HypervisorObject,
): Promise<void> {
  const [node = "", ...rest] = id.split("/");
  const volumeId = rest.join("/");
  const storage = volumeId.slice(0, volumeId.indexOf(":"));
  await unlessGone(() =>
    done(
      client,
      client.delete(
        `nodes/${segment(node)}/storage/${segment(storage)}/content/${segment(volumeId)}`,
      ),
    ),
  );
}

/** Waits for the task that a request has started, if it has. */
async function done(
  client: ProxmoxClient,
  request: Promise<string | null>,
): Promise<void> {
  const upid = await request;
  if (upid) {
    await client.waitForTask(upid);
  }
}

/** It may go by itself between two steps; a task says so in its own words. */
async function unlessGone(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const isGone =
      isProxmoxFault(error, "notFound") ||
      (isProxmoxFault(error, "task") &&
        /does not exist|no such file or directory/i.test(error.said));
    if (!isGone) {
      throw error;
    }
  }
}
