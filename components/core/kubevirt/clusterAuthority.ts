import {
  createHash,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
} from "node:crypto";

/** A certificate authority, in PEM. */
export interface ClusterAuthority {
  readonly certificate: string;
  /** A secret. */
  readonly key: string;
}

/** As kubeadm's own authorities. */
const VALID_YEARS = 10;
/** Clocks of machines that have just begun may be behind. */
const BACKDATED_MS = 60 * 60 * 1000;

/**
 * An authority for a cluster, made before its first machine is: so its workers know whom to trust when
 * they join. kubeadm takes what it finds in `/etc/kubernetes/pki` and makes the rest.
 */
export function newClusterAuthority(now = new Date()): ClusterAuthority {
  const { publicKey, privateKey } = generateKeyPairSync("ec", {
    namedCurve: "prime256v1",
  });
  const spki = publicKey.export({ type: "spki", format: "der" });
  const body = toBeSigned(spki, now);
  const signature = sign("sha256", body, privateKey);
  const certificate = sequence(
    body,
    ECDSA_WITH_SHA256,
    der(0x03, Buffer.of(0), signature),
  );
  return {
    certificate: pem("CERTIFICATE", certificate),
    key: privateKey.export({ type: "sec1", format: "pem" }).toString(),
  };
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

/** RFC 5280, 4.1: version 3, self-issued, for nothing but signing certificates. */
function toBeSigned(spki: Buffer, now: Date): Buffer {
  const subject = sequence(
    der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from("kubernetes")))),
  );
  const end = new Date(now);
  end.setUTCFullYear(end.getUTCFullYear() + VALID_YEARS);
  const serial = randomBytes(16);
  // Positive, and without a first byte that DER would leave out.
  serial.writeUInt8((serial.readUInt8(0) & 0x7f) | 0x40, 0);
  const keyId = createHash("sha1").update(spki).digest();
  return sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, serial),
    ECDSA_WITH_SHA256,
    subject,
    sequence(time(new Date(now.getTime() - BACKDATED_MS)), time(end)),
    subject,
    spki,
    der(
      0xa3,
      sequence(
        // basicConstraints: an authority.
        sequence(oid("551d13"), TRUE, der(0x04, sequence(TRUE))),
        // keyUsage: digitalSignature, keyEncipherment, keyCertSign, as kubeadm's own has.
        sequence(oid("551d0f"), TRUE, der(0x04, der(0x03, Buffer.of(2, 0xa4)))),
        // subjectKeyIdentifier
        sequence(oid("551d0e"), der(0x04, der(0x04, keyId))),
        // subjectAltName, which Go's verification asks for.
        sequence(
          oid("551d11"),
          der(0x04, sequence(der(0x82, Buffer.from("kubernetes")))),
        ),
      ),
    ),
  );
}

/** One value of DER (ITU-T X.690): tag, length, content. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head =
    length < 0x80
      ? [length]
      : length < 0x100
        ? [0x81, length]
        : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...head), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, ...parts);
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, "hex"));
}

/** UTCTime until 2049, GeneralizedTime later (RFC 5280, 4.1.2.5). */
function time(date: Date): Buffer {
  const text = `${date.toISOString().replace(/\.\d+Z$|[-:T]/g, "")}Z`;
  return date.getUTCFullYear() < 2050
    ? der(0x17, Buffer.from(text.slice(2)))
    : der(0x18, Buffer.from(text));
}

function pem(label: string, content: Buffer): string {
  const lines = content.toString("base64").match(/.{1,64}/g) ?? [];
  return [
    `-----BEGIN ${label}-----`,
    ...lines,
    `-----END ${label}-----`,
    "",
  ].join("\n");
}

const COMMON_NAME = oid("550403");
/** ecdsa-with-SHA256, 1.2.840.10045.4.3.2 */
const ECDSA_WITH_SHA256 = sequence(oid("2a8648ce3d040302"));
const TRUE = der(0x01, Buffer.of(0xff));
