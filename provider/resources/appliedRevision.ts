import { Type } from "@sinclair/typebox";

import { defineResource, fields } from "../frame/define";

/** Remembers which revision of something a machine was made from. */
export const appliedRevision = defineResource({
  token: "corral-ops:index:AppliedRevision",
  description:
    "Remembers which revision of a document a machine was made from. While `follow` is false a new " +
    "revision is noted and not applied; with `follow` the applied one is the declared one. Whoever " +
    "takes `applied` as its replacement trigger is replaced exactly when the user wants it.",
  inputs: fields({
    revision: Type.String({
      minLength: 1,
      description: "The declared revision, for instance a digest.",
    }),
    follow: Type.Boolean({
      default: false,
      description: "Whether a new revision is applied.",
    }),
  }),
  outputs: fields({
    applied: Type.String({
      description: "The revision that the machine was made from.",
    }),
  }),

  async create(_ctx, { revision }) {
    return { id: revision.slice(0, 16), outputs: { applied: revision } };
  },

  preview({ revision, follow }, old) {
    if (old && follow === false) {
      return old.outputs;
    }
    return typeof revision === "string" && (!old || follow === true)
      ? { applied: revision }
      : {};
  },

  async update(_ctx, _id, old, { revision, follow }) {
    return follow ? { applied: revision } : old.outputs;
  },
});
