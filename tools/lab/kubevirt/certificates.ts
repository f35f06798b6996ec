import * as fs from "node:fs";
import * as path from "node:path";
import execa from "execa";

/** Files of the Kubernetes control plane's certificates and keys. */
export interface Certificates {
  readonly authority: string;
  readonly server: KeyPair;
  /** With it the API server shows virt-api that a request comes from it. */
  readonly frontProxy: KeyPair;
  readonly frontProxyAuthority: string;
  /** Signs the tokens of service accounts. */
  readonly serviceAccountKey: string;
}

/** A certificate and its private key, as files in PEM format. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** Longer than any lab lives. */
const days = "365";

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];

/** Makes all certificates of one control plane in a folder that only this user can read. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const [authority, frontProxyAuthority] = await Promise.all([
    makeAuthority(folder, "ca"),
    makeAuthority(folder, "front-proxy-ca"),
  ]);
  const serviceAccountKey = path.join(folder, "service-accounts.key");
  const [server, frontProxy] = await Promise.all([
    sign(folder, "kube-apiserver", authority, [
      "subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc",
      "extendedKeyUsage=serverAuth",
    ]),
    sign(folder, "front-proxy-client", frontProxyAuthority, [
      "extendedKeyUsage=clientAuth",
    ]),
    openssl(["genrsa", "-out", serviceAccountKey, "2048"]),
  ]);
  return {
    authority: authority.certificate,
    server,
    frontProxy,
    frontProxyAuthority: frontProxyAuthority.certificate,
    serviceAccountKey,
  };
}

async function makeAuthority(folder: string, name: string): Promise<KeyPair> {
  const pair = pairOf(folder, name);
  await openssl([
    ...["req", "-x509", ...newKey, "-nodes", "-days", days],
    ...["-subj", `/CN=corral lab ${name}`],
    ...["-addext", "keyUsage=critical,keyCertSign,cRLSign"],
    ...["-keyout", pair.key, "-out", pair.certificate],
  ]);
  return pair;
}

/** @param extensions of the certificate, in OpenSSL's words. */
async function sign(
  folder: string,
  name: string,
  authority: KeyPair,
  extensions: readonly string[],
): Promise<KeyPair> {
  const pair = pairOf(folder, name);
  const request = path.join(folder, `${name}.csr`);
  const extensionFile = path.join(folder, `${name}.ext`);
  fs.writeFileSync(extensionFile, `${extensions.join("\n")}\n`);
  await openssl([
    ...["req", ...newKey, "-nodes", "-subj", `/CN=${name}`],
    ...["-keyout", pair.key, "-out", request],
  ]);
  await openssl([
    ...["x509", "-req", "-in", request, "-days", days, "-CAcreateserial"],
    ...["-CA", authority.certificate, "-CAkey", authority.key],
    ...["-extfile", extensionFile, "-out", pair.certificate],
  ]);
  return pair;
}

function pairOf(folder: string, name: string): KeyPair {
  return {
    certificate: path.join(folder, `${name}.crt`),
    key: path.join(folder, `${name}.key`),
  };
}

async function openssl(args: readonly string[]): Promise<void> {
  await execa("openssl", args);
}
