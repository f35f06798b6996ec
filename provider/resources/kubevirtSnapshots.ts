import { randomBytes } from "node:crypto";

import { Type } from "@sinclair/typebox";
import type { Static } from "@sinclair/typebox";

import type { OperationContext } from "../frame/context";
import { choice, defineResource, fields } from "../frame/define";
import { systemClock } from "../guest/wait";
import { kubeAt } from "../kubevirt/clients";
import { cleanMachines } from "../kubevirt/cleanMachines";
import { SshNodeShells } from "../kubevirt/nodeShells";
import { SpentMachines } from "../kubevirt/spentMachine";
import { SnapshotTaker } from "../kubevirt/takeSnapshots";
import { kubeFields, namespaceField } from "./kubeFields";
import { nodeFields } from "./kubevirtNodes";

const order = fields(
  {
    machine: Type.String({ minLength: 1, description: "Name of the machine." }),
    role: choice(["control-plane", "worker"], {
      title: "KubevirtNodeRole",
      description: "What the machine is in its cluster.",
    }),
    name: Type.String({
      minLength: 1,
      description: "Name of the VirtualMachineSnapshot.",
    }),
    standsFor: Type.String({
      minLength: 1,
      description: "The name that clusters look for it by.",
    }),
  },
  { title: "KubevirtSnapshotOrder" },
);

const taken = fields(
  {
    role: Type.String({ description: "Whose it is." }),
    name: Type.String({ description: "Name of the VirtualMachineSnapshot." }),
    createdAt: Type.String({ description: "When it was taken, RFC 3339." }),
    status: Type.String({ description: "What it is good for, in words." }),
  },
  { title: "KubevirtTakenSnapshot" },
);

const inputFields = fields({
  ...kubeFields(),
  namespace: namespaceField(),
  orders: Type.Array(order, {
    minItems: 1,
    replaces: true,
    description: "The machines, and the snapshots to take of them.",
  }),
  generation: Type.Integer({
    minimum: 1,
    default: 1,
    replaces: true,
    description: "A change takes new ones, and then removes the old.",
  }),
  clean: Type.Array(nodeFields, {
    default: [],
    description:
      "Machines that are cleaned before: logs, leases, machine id, cloud-init, login and ssh host keys.",
  }),
  stop: Type.Boolean({
    default: true,
    description: "Whether the machines are stopped before.",
  }),
  removeMachines: Type.Boolean({
    default: false,
    description:
      "Whether the machines are removed when the snapshots are ready: those of this stack.",
  }),
  reach: choice(["api", "address"], {
    title: "KubevirtReach",
    description: "How the inside of machines is reached.",
    default: "api",
  }),
  stampId: Type.String({
    minLength: 1,
    replaces: true,
    description: "Id of the stamp of what is made.",
  }),
  labels: Type.Record(Type.String(), Type.String(), {
    description: "Labels of the snapshots; with the stamp among them.",
    default: {},
  }),
  annotations: Type.Record(Type.String(), Type.String(), {
    description: "Annotations of the snapshots.",
    default: {},
  }),
  timeoutSeconds: Type.Integer({
    minimum: 1,
    maximum: 86400,
    default: 900,
    description:
      "Longest time for stopping and snapshots together, in seconds.",
  }),
});

type Inputs = Static<typeof inputFields>;

/** Snapshots of a cluster's machines, taken together. */
export const kubevirtSnapshots = defineResource({
  token: "corral-ops:index:KubevirtSnapshots",
  description:
    "Snapshots of the machines of a cluster, taken together: cleaned and stopped before, and waited for " +
    "until all are ready to use. Another generation takes new ones before it removes the old.",
  inputs: inputFields,
  outputs: fields({
    taken: Type.Array(taken, { description: "The snapshots." }),
  }),

  async create(ctx, inputs) {
    await cleanMachines(inputs.clean, {
      namespace: inputs.namespace,
      client: kubeAt(inputs),
      shells: new SshNodeShells(
        inputs.namespace,
        inputs.clean,
        inputs.reach,
        kubeAt(inputs),
        ctx,
        systemClock,
      ),
      ctx,
      timeoutSeconds: inputs.timeoutSeconds,
    });
    const found = await takerOf(ctx, inputs).take();
    await removeMachines(ctx, inputs);
    return {
      id: randomBytes(8).toString("hex"),
      outputs: { taken: found.map(summary) },
    };
  },

  preview: (_inputs, old) => old?.outputs ?? {},

  async update(ctx, _id, { outputs }, inputs) {
    await removeMachines(ctx, inputs);
    return outputs;
  },

  async read(ctx, _id, { inputs }) {
    const found = await takerOf(ctx, inputs).look();
    return found.every(({ state }) => state === "missing")
      ? undefined
      : { inputs, outputs: { taken: found.map(summary) } };
  },

  async delete(ctx, _id, { inputs }) {
    await takerOf(ctx, inputs).remove();
  },
});

async function removeMachines(
  ctx: OperationContext,
  inputs: Inputs,
): Promise<void> {
  if (!inputs.removeMachines) {
    return;
  }
  const machines = new SpentMachines(kubeAt(inputs), ctx, systemClock);
  const { namespace, stampId, orders } = inputs;
  await Promise.all(
    orders.map(({ machine: name }) =>
      machines.remove({ namespace, name, stampId }),
    ),
  );
}

function takerOf(ctx: OperationContext, inputs: Inputs): SnapshotTaker {
  return new SnapshotTaker(inputs, kubeAt(inputs), ctx, systemClock);
}

function summary(found: {
  readonly role: string;
  readonly name: string;
  readonly createdAt: string;
  readonly why: string;
}) {
  const { role, name, createdAt, why } = found;
  return { role, name, createdAt, status: why };
}
