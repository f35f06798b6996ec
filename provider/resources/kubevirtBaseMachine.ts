import { Type } from "@sinclair/typebox";
import type { Static } from "@sinclair/typebox";

import type { OperationContext } from "../frame/context";
import { defineResource, fields } from "../frame/define";
import { containsUnknownPlain } from "../frame/unknowns";
import { systemClock } from "../guest/wait";
import { kubeAt } from "../kubevirt/clients";
import { SpentMachines, uidOf } from "../kubevirt/spentMachine";
import { kubeFields, namespaceField } from "./kubeFields";

const inputFields = fields({
  ...kubeFields(),
  namespace: namespaceField(),
  machine: Type.String({
    minLength: 1,
    replaces: true,
    description: "Name of the VirtualMachine.",
  }),
  snapshot: Type.String({
    minLength: 1,
    description: "Name of the VirtualMachineSnapshot that it is made for.",
  }),
  generation: Type.Integer({
    minimum: 1,
    default: 1,
    replaces: true,
    description: "A change makes it anew.",
  }),
  stampId: Type.String({
    minLength: 1,
    replaces: true,
    description: "Id of the stamp of what is made.",
  }),
  labels: Type.Record(Type.String(), Type.String(), {
    description: "Labels of the machine; with the stamp among them.",
    default: {},
  }),
  annotations: Type.Record(Type.String(), Type.String(), {
    description: "Annotations of the machine.",
    default: {},
  }),
  spec: Type.String({
    minLength: 2,
    description: "Spec of the VirtualMachine, as JSON.",
  }),
});

type Inputs = Static<typeof inputFields>;

/** A machine that is made to be snapshotted. */
export const kubevirtBaseMachine = defineResource({
  token: "corral-ops:index:KubevirtBaseMachine",
  description:
    "A VirtualMachine that is made for the snapshot that is taken of it. Once that is ready the machine " +
    "has done its work: it may be gone without being made anew, and a changed spec counts from the next " +
    "generation on. Before, a changed spec makes it anew.",
  deleteBeforeReplace: true,
  inputs: inputFields,
  outputs: fields({
    uid: Type.String({ description: "Another one is another machine." }),
  }),

  async create(ctx, inputs) {
    const uid = await machines(ctx, inputs).make(machineOf(inputs));
    return { id: `${inputs.namespace}/${inputs.machine}`, outputs: { uid } };
  },

  async foresee(ctx, inputs, old) {
    if (
      old === undefined ||
      containsUnknownPlain([inputs.spec, inputs.kubeconfig, inputs.context])
    ) {
      return {};
    }
    const isKept =
      inputs.spec === old.inputs.spec ||
      (await machines(ctx, inputs as Inputs).isSpent(machineOf(old.inputs)));
    return isKept ? old.outputs : {};
  },

  async read(ctx, _id, { inputs, outputs }) {
    const all = machines(ctx, inputs);
    const there = await all.own(machineOf(inputs));
    if (there !== undefined) {
      return { inputs, outputs: { uid: uidOf(there) } };
    }
    return (await all.isSpent(machineOf(inputs)))
      ? { inputs, outputs }
      : undefined;
  },

  async update(ctx, _id, old, inputs) {
    const all = machines(ctx, inputs);
    if (
      inputs.spec === old.inputs.spec ||
      (await all.isSpent(machineOf(old.inputs)))
    ) {
      return old.outputs;
    }
    await all.remove(machineOf(old.inputs));
    return { uid: await all.make(machineOf(inputs)) };
  },

  async delete(ctx, _id, { inputs }) {
    await machines(ctx, inputs).remove(machineOf(inputs));
  },
});

function machines(ctx: OperationContext, inputs: Inputs): SpentMachines {
  return new SpentMachines(kubeAt(inputs), ctx, systemClock);
}

function machineOf({ machine, spec, ...inputs }: Inputs) {
  return {
    ...inputs,
    name: machine,
    spec: JSON.parse(spec) as Record<string, unknown>,
  };
}
