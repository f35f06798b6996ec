import { randomBytes } from "node:crypto";

import {
  newCertificateKey,
  newToken,
} from "@corral-iac/corral/core/kubevirt/kubeadm";
import { Type } from "@sinclair/typebox";

import { defineResource, fields } from "../frame/define";
import { newClusterAuthority } from "../kubevirt/newClusterAuthority";

/** What the nodes of a cluster know beforehand, so that they find and trust each other. */
export const kubeadmSecrets = defineResource({
  token: "corral-ops:index:KubeadmSecrets",
  description:
    "A bootstrap token, a certificate key and a certificate authority for kubeadm, made once and kept in " +
    "the state, encrypted. Another generation makes new ones.",
  inputs: fields({
    generation: Type.Integer({
      minimum: 1,
      default: 1,
      replaces: true,
      description: "A change makes new secrets.",
    }),
  }),
  outputs: fields({
    token: Type.String({
      secret: true,
      description: "Bootstrap token, `abcdef.0123456789abcdef`.",
    }),
    certificateKey: Type.String({
      secret: true,
      description: "64 hexadecimal digits.",
    }),
    authorityCertificate: Type.String({
      description: "Certificate of the cluster's authority, PEM.",
    }),
    authorityKey: Type.String({
      secret: true,
      description: "Its private key, PEM.",
    }),
  }),

  async create() {
    const { certificate, key } = newClusterAuthority();
    return {
      id: randomBytes(8).toString("hex"),
      outputs: {
        token: newToken(),
        certificateKey: newCertificateKey(),
        authorityCertificate: certificate,
        authorityKey: key,
      },
    };
  },
});
