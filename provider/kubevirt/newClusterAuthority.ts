import { generateKeyPairSync, randomBytes } from "node:crypto";

import type { ClusterAuthority } from "@corral-iac/corral/core/kubevirt/clusterAuthority";
import { md, pki } from "node-forge";

/** As kubeadm's own authorities. */
const KEY_BITS = 2048;
const VALID_YEARS = 10;
const NAME = "kubernetes";
/** Clocks of machines that have just begun may be behind. */
const BACKDATED_MS = 60 * 60 * 1000;

/**
 * An authority for a cluster, made before its first machine is: so its workers know whom to trust when
 * they join. kubeadm takes what it finds in `/etc/kubernetes/pki` and makes the rest.
 */
export function newClusterAuthority(now = new Date()): ClusterAuthority {
  // Node.js makes keys many times faster than the library.
  const { publicKey, privateKey: key } = generateKeyPairSync("rsa", {
    modulusLength: KEY_BITS,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  const certificate = pki.createCertificate();
  certificate.publicKey = pki.publicKeyFromPem(publicKey);
  // Positive: a first digit above 7 would be a sign.
  certificate.serialNumber = `4${randomBytes(16).toString("hex").slice(1)}`;
  certificate.validity.notBefore = new Date(now.getTime() - BACKDATED_MS);
  certificate.validity.notAfter = new Date(now);
  certificate.validity.notAfter.setUTCFullYear(
    now.getUTCFullYear() + VALID_YEARS,
  );
  const subject = [{ name: "commonName", value: NAME }];
  certificate.setSubject(subject);
  certificate.setIssuer(subject);
  certificate.setExtensions([
    { name: "basicConstraints", cA: true, critical: true },
    {
      name: "keyUsage",
      critical: true,
      digitalSignature: true,
      keyEncipherment: true,
      keyCertSign: true,
    },
    { name: "subjectKeyIdentifier" },
    // Go's verification asks for it; 2 is a DNS name.
    { name: "subjectAltName", altNames: [{ type: 2, value: NAME }] },
  ]);
  certificate.sign(pki.privateKeyFromPem(key), md.sha256.create());
  return { certificate: pki.certificateToPem(certificate), key };
}
