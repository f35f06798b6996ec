import { isDeepStrictEqual } from "node:util";

import { Type } from "@sinclair/typebox";
import type { Static } from "@sinclair/typebox";

import { choice, defineResource, fields } from "../frame/define";
import { systemClock } from "../guest/wait";
import { kubeAt } from "../kubevirt/clients";
import { SshNodeShells } from "../kubevirt/nodeShells";
import { addressesNow, RolloutRun } from "../kubevirt/rollout";
import { kubeFields, namespaceField } from "./kubeFields";
import { nodeFields } from "./kubevirtNodes";

const rolled = fields(
  {
    machine: Type.String({ minLength: 1, description: "Name of the machine." }),
    nodeName: Type.String({ minLength: 1, description: "Name of its node." }),
    index: Type.Integer({
      minimum: 0,
      maximum: 255,
      description: "0 for the control plane; workers count from 1.",
    }),
    instanceId: Type.String({ description: "Another one is another machine." }),
    declared: Type.Integer({
      description: "Generation of the VirtualMachine: another one was changed.",
    }),
    address: Type.String({
      description: "Its address in the pod network when it was waited for.",
    }),
  },
  { title: "KubevirtRolledMachine" },
);

const inputFields = fields({
  ...kubeFields(),
  namespace: namespaceField(),
  machines: Type.Array(rolled, {
    minItems: 1,
    description: "The machines, the control plane first.",
  }),
  nodes: Type.Array(nodeFields, {
    default: [],
    description:
      "How one gets into them, to drain workers before. Default: nothing is drained.",
  }),
  reach: choice(["api", "address"], {
    title: "KubevirtReach",
    description: "How the inside of machines is reached.",
    default: "api",
  }),
  until: choice(["running", "agent"], {
    title: "KubevirtRestartedUntil",
    description: "How far a machine must be back before the next one's turn.",
    default: "running",
  }),
  timeoutSeconds: Type.Integer({
    minimum: 1,
    maximum: 86400,
    default: 600,
    description: "Longest time for each wait, in seconds.",
  }),
});

const outputFields = fields({
  addresses: Type.Record(Type.String(), Type.String(), {
    description: "Addresses in the pod network, by machine.",
  }),
});

type Inputs = Static<typeof inputFields>;
type Outputs = Static<typeof outputFields>;

/** Changes of machines that need a restart. */
export const kubevirtRollout = defineResource({
  token: "corral-ops:index:KubevirtRollout",
  description:
    "Brings machines of KubeVirt that were changed up to date: those that KubeVirt cannot change while " +
    "they run restart one after the other, workers drained before and first, each waited for.",
  inputs: inputFields,
  outputs: outputFields,

  create: (_ctx, inputs) =>
    Promise.resolve({
      id: `${inputs.namespace}/rollout`,
      outputs: {
        addresses: Object.fromEntries(
          inputs.machines.map(({ machine, address }) => [machine, address]),
        ),
      },
    }),

  preview: ({ machines }, old) =>
    old !== undefined && isDeepStrictEqual(machines, old.inputs.machines)
      ? old.outputs
      : {},

  async read({ signal }, _id, { inputs, outputs }) {
    const { namespace, machines } = inputs;
    const now = await addressesNow(
      kubeAt(inputs),
      namespace,
      machines.map(({ machine }) => machine),
      signal,
    );
    const addresses = { ...outputs.addresses, ...Object.fromEntries(now) };
    return { inputs, outputs: { addresses } };
  },

  async update(ctx, _id, old, inputs) {
    // Another way to machines that were not changed is no reason to look at them.
    if (isDeepStrictEqual(inputs.machines, old.inputs.machines)) {
      return old.outputs;
    }
    const former = new Map(
      old.inputs.machines.map((one) => [one.machine, one.instanceId]),
    );
    const isFormer = ({ machine, instanceId }: Inputs["machines"][number]) =>
      former.get(machine) === instanceId;
    const client = kubeAt(inputs);
    const { namespace, nodes, reach, until, timeoutSeconds } = inputs;
    const [controlPlane] = inputs.machines;
    const hasInside =
      nodes.length > 0 && controlPlane !== undefined && isFormer(controlPlane);
    const now = await new RolloutRun(
      {
        namespace,
        machines: inputs.machines.filter(isFormer),
        until,
        timeoutSeconds,
        // A control plane that was just made knows none of these nodes yet.
        shells: hasInside
          ? new SshNodeShells(namespace, nodes, reach, client, ctx, systemClock)
          : undefined,
      },
      client,
      ctx,
      systemClock,
    ).run();
    return { addresses: addressesOf(inputs, old.outputs, isFormer, now) };
  },
});

function addressesOf(
  { machines }: Inputs,
  before: Outputs,
  isFormer: (machine: Inputs["machines"][number]) => boolean,
  now: ReadonlyMap<string, string>,
): Record<string, string> {
  return Object.fromEntries(
    machines.map((one) => [
      one.machine,
      now.get(one.machine) ??
        (isFormer(one) ? before.addresses[one.machine] : undefined) ??
        one.address,
    ]),
  );
}
