import { createHash, generateKeyPairSync, randomBytes } from "node:crypto";

export interface KeyPair {
  /** `ssh-ed25519 AAAA...`, without a comment. */
  readonly publicKey: string;
  /** OpenSSH's PEM format. */
  readonly privateKey: string;
  /** `SHA256:...`, as ssh-keygen shows it. */
  readonly fingerprint: string;
}

const algorithm = "ssh-ed25519";

/** Makes a key pair without a passphrase. Format: openssh-portable, PROTOCOL.key. */
export function generateEd25519(): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const publicPart = Buffer.from(
    publicKey.export({ format: "jwk" }).x ?? "",
    "base64url",
  );
  const seed = Buffer.from(
    privateKey.export({ format: "jwk" }).d ?? "",
    "base64url",
  );
  const publicBlob = Buffer.concat([text(algorithm), text(publicPart)]);
  return {
    publicKey: `${algorithm} ${publicBlob.toString("base64")}`,
    privateKey: pem(privateBlob(publicBlob, publicPart, seed)),
    fingerprint: fingerprintOf(publicBlob),
  };
}

/** The public key of a private one, as its blob. */
export async function publicBlobOf(privateKey: string): Promise<Buffer> {
  // Takes a while to load, and most runs of the plugin never need it.
  const { utils } = (await import("ssh2")).default;
  const parsed = utils.parseKey(privateKey);
  if (parsed instanceof Error) {
    throw new Error(`the private key cannot be read: ${parsed.message}`);
  }
  return parsed.getPublicSSH();
}

/** SHA-256 fingerprint of a public key's blob, as OpenSSH writes it. */
export function fingerprintOf(blob: Buffer): string {
  const hash = createHash("sha256").update(blob).digest("base64");
  return `SHA256:${hash.replace(/=+$/, "")}`;
}

function privateBlob(
  publicBlob: Buffer,
  publicPart: Buffer,
  seed: Buffer,
): Buffer {
  const check = randomBytes(4);
  const section = Buffer.concat([
    check,
    check,
    publicBlob,
    text(Buffer.concat([seed, publicPart])),
    text(""),
  ]);
  // Padded with 1, 2, 3, ... to the block size, which is 8 without a cipher.
  const padding = Buffer.from(
    Array.from({ length: (8 - (section.length % 8)) % 8 }, (_, i) => i + 1),
  );
  const count = Buffer.from([0, 0, 0, 1]);
  return Buffer.concat([
    Buffer.from("openssh-key-v1\0", "latin1"),
    text("none"),
    text("none"),
    text(""),
    count,
    text(publicBlob),
    text(Buffer.concat([section, padding])),
  ]);
}

/** A string of ssh's wire format: four bytes of length, then the bytes. */
function text(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function pem(blob: Buffer): string {
  const lines = blob.toString("base64").match(/.{1,70}/g) ?? [];
  const kind = "OPENSSH PRIVATE KEY";
  return [
    `-----BEGIN ${kind}-----`,
    ...lines,
    `-----END ${kind}-----`,
    "",
  ].join("\n");
}
