import { Type } from "@sinclair/typebox";

import { choice, defineResource, fields } from "../frame/define";
import { systemClock } from "../guest/wait";
import { kubeAt } from "../kubevirt/clients";
import { waitForMachine } from "../kubevirt/machineWait";
import { kubeFields, namespaceField } from "./kubeFields";

/** A KubeVirt machine that runs. */
export const kubevirtReady = defineResource({
  token: "corral-ops:index:KubevirtReady",
  description:
    "A machine of KubeVirt that runs, or whose guest agent answers: waits, bounded. If it does not get " +
    "so far, the error shows its status, conditions and last events; the machine stays, and the next " +
    "update waits again. A refresh never waits.",
  deleteBeforeReplace: true,
  inputs: fields({
    ...kubeFields(),
    namespace: namespaceField(),
    machine: Type.String({
      minLength: 1,
      replaces: true,
      description: "Name of the VirtualMachine.",
    }),
    machineId: Type.String({
      replaces: true,
      description: "Its uid: another one is another machine, waited for anew.",
    }),
    until: choice(["none", "running", "agent"], {
      title: "KubevirtReadyUntil",
      description: "How far it must have come.",
      default: "running",
    }),
    timeoutSeconds: Type.Integer({
      minimum: 1,
      maximum: 86400,
      default: 300,
      description: "Longest time to wait, in seconds.",
    }),
  }),
  outputs: fields({
    address: Type.String({
      description:
        "Its address in the pod network when it was waited for; empty when nothing was.",
    }),
  }),

  async create(ctx, inputs) {
    const { namespace, machine: name, until, timeoutSeconds } = inputs;
    const address =
      until === "none"
        ? ""
        : await waitForMachine(
            { namespace, name, until, timeoutSeconds },
            kubeAt(inputs),
            ctx,
            systemClock,
          );
    return { id: `${namespace}/${name}`, outputs: { address } };
  },
});
