import { listMachines } from "@corral-iac/corral/core/proxmox-client/machines";
import { Type } from "@sinclair/typebox";

import { defineResource, fields } from "../frame/define";
import { proxmoxAt } from "../proxmox/clients";
import { findTemplate } from "../proxmox/templates";
import { accessFaults, accessFields } from "./proxmoxFields";

/** A template that was found by its name or VM id. */
export const proxmoxTemplate = defineResource({
  token: "corral-ops:index:ProxmoxTemplate",
  description:
    "A template that was found by its name or VM id, once: what is later called by that name, and a " +
    "template that moves to another node, change nothing.",
  inputs: fields({
    ...accessFields(),
    name: Type.Optional(
      Type.String({
        minLength: 1,
        replaces: true,
        description: "The template's name. Either this or `templateId`.",
      }),
    ),
    templateId: Type.Optional(
      Type.Integer({
        minimum: 100,
        maximum: 999999999,
        replaces: true,
        description: "The template's VM id. Either this or `name`.",
      }),
    ),
    node: Type.Optional(
      Type.String({
        minLength: 1,
        replaces: true,
        description: "Node that it is on. Default: any.",
      }),
    ),
  }),
  outputs: fields({
    vmId: Type.Integer({ description: "The template's VM id." }),
    templateNode: Type.String({ description: "Node that it is on." }),
  }),

  checks: (inputs) => [
    ...accessFaults("", inputs),
    ...((inputs.name === undefined) === (inputs.templateId === undefined)
      ? [{ path: "name", reason: "has to be given, or templateId, not both" }]
      : []),
  ],

  async create(ctx, { name, templateId, node, ...access }) {
    const client = proxmoxAt(access);
    const found = findTemplate(
      await listMachines(client, { signal: ctx.signal }),
      { name, vmId: templateId, node },
      client.server,
    );
    return {
      id: String(found.vmId),
      outputs: { vmId: found.vmId, templateNode: found.node },
    };
  },

  preview: ({ templateId }, old) =>
    old?.outputs ??
    (typeof templateId === "number" ? { vmId: templateId } : {}),
});
