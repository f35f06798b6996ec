import * as fs from "node:fs";
import * as tls from "node:tls";

/** Where systems keep the certificates that they trust; the first that is there counts, as for Go. */
const SYSTEM_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Alpine
  "/etc/pki/tls/certs/ca-bundle.crt", // Fedora, RHEL
  "/etc/ssl/ca-bundle.pem", // SUSE
  "/etc/ssl/cert.pem", // macOS
];

let certificates: readonly string[] | undefined;

/**
 * Certificates to trust: Node's own, those of NODE_EXTRA_CA_CERTS, and the system's, which Node passes
 * over. The Terraform provider trusts the latter, so that a server that it accepts is accepted here.
 */
export function trustedCertificates(): readonly string[] {
  certificates ??= [
    ...tls.rootCertificates,
    ...[
      process.env.NODE_EXTRA_CA_CERTS,
      process.env.SSL_CERT_FILE ?? SYSTEM_BUNDLES.find(fs.existsSync),
    ].flatMap((file) => (file === undefined ? [] : readBundle(file))),
  ];
  return certificates;
}

function readBundle(file: string): string[] {
  try {
    return [fs.readFileSync(file, "utf8")];
  } catch {
    return [];
  }
}

/** Codes by which Node refuses a server's certificate. */
const REFUSALS = new Set([
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "CERT_SIGNATURE_FAILURE",
  "CERT_UNTRUSTED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** Whether a request failed because the server's certificate is not trusted. */
export function isCertificateRefusal(code: string | undefined): boolean {
  return code !== undefined && REFUSALS.has(code);
}
