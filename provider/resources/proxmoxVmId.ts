import { Type } from "@sinclair/typebox";

import { defineResource, fields } from "../frame/define";
import { proxmoxAt } from "../proxmox/clients";
import { chooseVmId } from "../proxmox/vmIds";
import { accessFaults, accessFields } from "./proxmoxFields";

/** A VM id that was free when it was chosen. */
export const proxmoxVmId = defineResource({
  token: "corral-ops:index:ProxmoxVmId",
  description:
    "A VM id that was free when it was chosen, kept in the state: a machine that is replaced has " +
    "the same one again. Nothing is reserved at Proxmox VE.",
  inputs: fields({
    ...accessFields(),
    key: Type.String({
      minLength: 1,
      replaces: true,
      description:
        "What the id is for: the search for a free one starts at a number derived from it.",
    }),
  }),
  outputs: fields({
    vmId: Type.Integer({ description: "10000 to 99999." }),
  }),

  checks: (inputs) => accessFaults("", inputs),

  async create(ctx, { key, ...access }) {
    const vmId = await chooseVmId(proxmoxAt(access), key, ctx.signal);
    return { id: String(vmId), outputs: { vmId } };
  },

  // Another token or address of the cluster changes nothing: the id stays.
  preview: (_inputs, old) => old?.outputs ?? {},
});
