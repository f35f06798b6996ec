import { createHash, X509Certificate } from "node:crypto";

/** A certificate authority, in PEM. */
export interface ClusterAuthority {
  readonly certificate: string;
  /** A secret. */
  readonly key: string;
}

/**
 * What kubeadm calls a CA certificate's hash, `sha256:HEX`, of its public key
 * (https://kubernetes.io/docs/reference/setup-tools/kubeadm/kubeadm-join/#token-based-discovery-with-ca-pinning).
 */
export function authorityDigest(certificate: string): string {
  const spki = new X509Certificate(certificate).publicKey.export({
    type: "spki",
    format: "der",
  });
  return `sha256:${createHash("sha256").update(spki).digest("hex")}`;
}
