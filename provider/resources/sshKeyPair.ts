import { Type } from "@sinclair/typebox";

import { defineResource, fields } from "../frame/define";
import { generateEd25519 } from "../ssh/keyPair";

/** An ed25519 key pair that lives in the state, for a guest's host key or for a login of its own. */
export const sshKeyPair = defineResource({
  token: "corral-ops:index:SshKeyPair",
  description:
    "An ed25519 key pair for ssh, made once and kept in the state, the private half encrypted. " +
    "Used as a guest's host key, made beforehand so that it can be pinned, or as a login. " +
    "A change of the comment keeps the key.",
  inputs: fields({
    comment: Type.String({
      default: "",
      pattern: "^[^\\r\\n]*$",
      maxLength: 200,
      allowed: "one line of at most 200 characters",
      description:
        "Stands at the end of the public key; says what the key is for.",
    }),
  }),
  outputs: fields({
    publicKey: Type.String({
      description:
        "As in an authorized_keys file: `ssh-ed25519 AAAA... comment`.",
    }),
    privateKey: Type.String({
      secret: true,
      description:
        "In OpenSSH's own PEM format, without a passphrase and without the comment.",
    }),
  }),

  async create(_ctx, { comment }) {
    const { publicKey, privateKey, fingerprint } = generateEd25519();
    return {
      id: fingerprint,
      outputs: { publicKey: withComment(publicKey, comment), privateKey },
    };
  },

  preview({ comment }, old) {
    return old && typeof comment === "string"
      ? {
          ...old.outputs,
          publicKey: withComment(old.outputs.publicKey, comment),
        }
      : {};
  },

  async update(_ctx, _id, old, { comment }) {
    return {
      ...old.outputs,
      publicKey: withComment(old.outputs.publicKey, comment),
    };
  },
});

function withComment(publicKey: string, comment: string): string {
  return [...publicKey.split(" ").slice(0, 2), comment].join(" ").trim();
}
