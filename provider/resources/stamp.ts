import { randomBytes } from "node:crypto";

import { Type } from "@sinclair/typebox";

import { defineResource, fields } from "../frame/define";

const idPattern = "^[0-9a-f]{16}$";

/** The random id by which everything that a stack owns on a hypervisor is known. */
export const stamp = defineResource({
  token: "corral-ops:index:Stamp",
  description:
    "A random id, made once and kept in the state: the stamp by which what a stack made on a " +
    "hypervisor is known as its own. Nothing outside of the state is made. A change of its inputs " +
    "never changes the id.",
  inputs: fields({
    project: Type.String({
      minLength: 1,
      description: "Name of the Pulumi project.",
    }),
    stack: Type.String({
      minLength: 1,
      description: "Name of the Pulumi stack.",
    }),
    component: Type.String({
      minLength: 1,
      description:
        "Type of the component that owns it, for instance `LibvirtVm`.",
    }),
    name: Type.String({ minLength: 1, description: "Name of the component." }),
  }),
  outputs: fields({
    stampId: Type.String({
      pattern: idPattern,
      description: "16 lowercase hexadecimal digits.",
    }),
    shortId: Type.String({
      description:
        "The first 8 digits of `stampId`, for names that have to be short.",
    }),
  }),

  async create() {
    const stampId = randomBytes(8).toString("hex");
    return { id: stampId, outputs: { stampId, shortId: stampId.slice(0, 8) } };
  },
});
