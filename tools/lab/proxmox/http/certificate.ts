import * as fs from "node:fs";
import * as path from "node:path";
import execa from "execa";

/** Files in PEM format, as an HTTPS server takes them. */
export interface Certificate {
  readonly key: string;
  readonly certificate: string;
}

/**
 * A self-signed certificate for 127.0.0.1 and localhost, as Proxmox makes one at its installation.
 * Kept in the folder, so that it survives a restart.
 */
export async function ensureCertificate(folder: string): Promise<Certificate> {
  const keyFile = path.join(folder, "pveproxy-ssl.key");
  const certificateFile = path.join(folder, "pveproxy-ssl.pem");
  if (!fs.existsSync(certificateFile)) {
    await execa("openssl", [
      ...["req", "-x509", "-newkey", "ec", "-nodes", "-days", "3650"],
      ...["-pkeyopt", "ec_paramgen_curve:prime256v1"],
      ...["-subj", "/CN=pve.lab/O=PVE simulator"],
      ...["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
      ...["-keyout", keyFile, "-out", certificateFile],
    ]);
    fs.chmodSync(keyFile, 0o600);
  }
  return {
    key: fs.readFileSync(keyFile, "utf8"),
    certificate: fs.readFileSync(certificateFile, "utf8"),
  };
}
