import { randomBytes } from "node:crypto";

import { Type } from "@sinclair/typebox";

import type { OperationContext } from "../frame/context";
import { defineResource, fields } from "../frame/define";
import { systemClock } from "../guest/wait";
import { proxmoxAt } from "../proxmox/clients";
import { markedDescription } from "../proxmox/snapshotMark";
import { MachineSnapshots } from "../proxmox/snapshots";
import { accessFaults, machineFields } from "./proxmoxFields";

const machine = fields(machineFields(true), {
  title: "ProxmoxMachine",
  description: "The machine.",
});

/** A snapshot of a machine on Proxmox VE. */
export const proxmoxSnapshot = defineResource({
  token: "corral-ops:index:ProxmoxSnapshot",
  description:
    "A snapshot of a machine on Proxmox VE, made when the resource is: what it depends on is in it. " +
    "A changed name, revision or includeMemory renews it: the old one is deleted and a new one " +
    "taken. A machine that something else works on is waited for, bounded.",
  deleteBeforeReplace: true,
  inputs: fields({
    machine,
    name: Type.String({
      pattern: "^[A-Za-z][A-Za-z0-9_-]{1,39}$",
      allowed:
        "2 to 40 letters, digits, - and _, that start with a letter; current and pending are Proxmox VE's own",
      replaces: true,
      description: "Name of the snapshot, unique for its machine.",
    }),
    description: Type.String({
      default: "",
      description: "What the snapshot is, for people.",
    }),
    includeMemory: Type.Boolean({
      default: false,
      replaces: true,
      description:
        "Whether a running guest's memory is in it. Takes as much room as the guest has memory.",
    }),
    revision: Type.Optional(
      Type.String({
        replaces: true,
        description:
          "Any text: a change renews the snapshot. Default: it is taken once.",
      }),
    ),
    timeoutSeconds: Type.Integer({
      minimum: 1,
      maximum: 86400,
      default: 600,
      description:
        "Longest time to wait for a locked machine and for the snapshot itself, in seconds.",
    }),
  }),
  outputs: fields({
    takenAt: Type.String({
      description: "When it was taken, by the node's clock: ISO 8601, UTC.",
    }),
  }),

  checks: ({ machine, name }) => [
    ...accessFaults("machine", machine),
    ...(typeof name === "string" && /^(current|pending)$/i.test(name)
      ? [{ path: "name", reason: `is "${name}", which Proxmox VE uses itself` }]
      : []),
  ],

  async create(ctx, args) {
    const id = randomBytes(8).toString("hex");
    const snapshots = await machineOf(ctx, args);
    await removeOwnLeftover(ctx, snapshots, args);
    await snapshots.take({
      ...args,
      description: markedDescription(args.description, { id, urn: ctx.urn }),
    });
    const taken = await snapshots.find(args.name);
    return {
      id: `${args.machine.vmId}/${args.name}/${id}`,
      outputs: { takenAt: taken?.takenAt ?? new Date().toISOString() },
    };
  },

  preview: (_args, old) => old?.outputs ?? {},

  async read(ctx, id, { inputs, outputs }) {
    const found = await (await openMachine(ctx, inputs))?.find(inputs.name);
    const isOther = found?.mark !== undefined && found.mark.id !== markOf(id);
    if (found === undefined || isOther) {
      return undefined;
    }
    // Proxmox VE ends texts in its own way.
    const description =
      found.description === inputs.description.trimEnd()
        ? inputs.description
        : found.description;
    return { inputs: { ...inputs, description }, outputs };
  },

  async update(ctx, id, old, args) {
    const snapshots = await machineOf(ctx, args);
    const mark = { id: markOf(id), urn: ctx.urn };
    const found = await snapshots.find(args.name);
    if (found === undefined) {
      throw new Error(
        `the snapshot ${args.name} of VM ${args.machine.vmId} is gone. Run pulumi up --refresh: it is taken again.`,
      );
    }
    if (
      found.description !== args.description.trimEnd() ||
      found.mark?.id !== mark.id
    ) {
      const description = markedDescription(args.description, mark);
      await snapshots.describe(args.name, description);
    }
    return old.outputs;
  },

  async delete(ctx, id, { inputs }) {
    const snapshots = await openMachine(ctx, inputs);
    const found = await snapshots?.find(inputs.name);
    if (snapshots === undefined || found === undefined) {
      return;
    }
    if (found.mark?.id !== markOf(id)) {
      ctx.log.warn(
        `the snapshot ${inputs.name} of VM ${inputs.machine.vmId} stays: by its description it is not the one that was taken here`,
      );
      return;
    }
    await snapshots.remove(inputs.name);
  },
});

interface Inputs {
  readonly machine: {
    readonly endpoint: string;
    readonly apiToken: string;
    readonly insecure: boolean;
    readonly node: string;
    readonly vmId: number;
  };
  readonly name: string;
  readonly timeoutSeconds: number;
}

function openMachine(
  ctx: OperationContext,
  { machine, timeoutSeconds }: Inputs,
): Promise<MachineSnapshots | undefined> {
  return MachineSnapshots.of(proxmoxAt(machine), machine.vmId, {
    ctx,
    timeoutSeconds,
    clock: systemClock,
  });
}

async function machineOf(
  ctx: OperationContext,
  inputs: Inputs,
): Promise<MachineSnapshots> {
  const snapshots = await openMachine(ctx, inputs);
  if (snapshots === undefined) {
    const { vmId, endpoint } = inputs.machine;
    throw new Error(
      `there is no VM ${vmId} at ${endpoint}. Run pulumi up --refresh: the machine was removed behind Pulumi's back.`,
    );
  }
  return snapshots;
}

/** A run that was cut off may have taken it: what it holds is older than what this one follows. */
async function removeOwnLeftover(
  ctx: OperationContext,
  snapshots: MachineSnapshots,
  { name, machine }: Inputs,
): Promise<void> {
  const found = await snapshots.find(name);
  if (found === undefined) {
    return;
  }
  if (found.mark?.urn !== ctx.urn) {
    throw new Error(
      `VM ${machine.vmId} has a snapshot ${name} already, of ${found.takenAt}, which ` +
        `${found.mark === undefined ? "Corral did not take" : `${found.mark.urn} took`}; ` +
        `give another name, or delete it: qm delsnapshot ${machine.vmId} ${name}`,
    );
  }
  await snapshots.remove(name);
}

/** The random part of the resource's id. */
function markOf(id: string): string {
  return id.slice(id.lastIndexOf("/") + 1);
}
