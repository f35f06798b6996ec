import { randomBytes } from "node:crypto";

import { isProxmoxFault } from "@corral-iac/corral/core/proxmox-client/errors";
import { Type } from "@sinclair/typebox";

import { defineResource, fields } from "../frame/define";
import { proxmoxAt } from "../proxmox/clients";
import { shutDownBeforeDelete } from "../proxmox/shutDown";
import { accessFaults, machineFields } from "./proxmoxFields";

/** Shuts a machine down before it is deleted. */
export const proxmoxShutdown = defineResource({
  token: "corral-ops:index:ProxmoxShutdown",
  description:
    "Shuts a machine of Proxmox VE down cleanly before it is replaced or deleted, and powers it off " +
    "when it does not. One that is protected stays on, and the deletion ends before it begins.",
  deleteBeforeReplace: true,
  inputs: fields({
    machine: fields(machineFields(true), {
      title: "ProxmoxMachine",
      description: "The machine.",
    }),
    timeoutSeconds: Type.Integer({
      minimum: 5,
      maximum: 3600,
      default: 60,
      description:
        "Longest time that the guest is given to shut down, in seconds; then it is powered off.",
    }),
  }),
  outputs: fields({
    instanceId: Type.String({
      description:
        "Another one says that the machine was made anew, though its VM id is the same.",
    }),
  }),

  checks: ({ machine }) => accessFaults("machine", machine),

  create(_ctx, { machine }) {
    const instanceId = `${machine.vmId}-${randomBytes(4).toString("hex")}`;
    return Promise.resolve({ id: instanceId, outputs: { instanceId } });
  },

  preview: (_inputs, old) => old?.outputs ?? {},

  async delete(ctx, _id, { inputs: { machine, timeoutSeconds } }) {
    try {
      await shutDownBeforeDelete(
        ctx,
        proxmoxAt(machine),
        machine,
        timeoutSeconds,
      );
    } catch (error) {
      if (!isProxmoxFault(error, "notFound")) {
        throw error;
      }
    }
  },
});
