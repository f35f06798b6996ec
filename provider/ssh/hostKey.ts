import { createHmac } from "node:crypto";

import { fingerprintOf } from "./keyPair";

/** A public key that a server may show, with where we know it from. */
export interface TrustedKey {
  /** For instance `ssh-ed25519`. */
  readonly type: string;
  readonly blob: Buffer;
  /** For messages: `hostKey`, or the file and line. */
  readonly source: string;
}

/** The key types that ssh2 can verify, best first, with the signature algorithms of each. */
const algorithmsOfType: Record<string, readonly string[]> = {
  "ssh-ed25519": ["ssh-ed25519"],
  "ecdsa-sha2-nistp256": ["ecdsa-sha2-nistp256"],
  "ecdsa-sha2-nistp384": ["ecdsa-sha2-nistp384"],
  "ecdsa-sha2-nistp521": ["ecdsa-sha2-nistp521"],
  "ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256"],
};

/** The key's type, which its blob begins with. */
export function keyTypeOf(blob: Buffer): string {
  const length = blob.length >= 4 ? blob.readUInt32BE(0) : 0;
  return blob.subarray(4, 4 + length).toString("latin1");
}

/**
 * Reads pinned host keys: one line each, in authorized_keys form, a comment allowed.
 * Throws if there is none, or if one cannot be read.
 */
export function parseHostKeys(text: string): TrustedKey[] {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const keys = lines.map((line) => {
    const key = parseKey(line, "hostKey");
    if (!key) {
      throw new Error(
        `"${line.slice(0, 60)}" is not a host key; ${hostKeyForm}`,
      );
    }
    return key;
  });
  if (keys.length === 0) {
    throw new Error(`the host key is empty; ${hostKeyForm}`);
  }
  return keys;
}

export const hostKeyForm =
  'allowed is a line like "ssh-ed25519 AAAAC3Nza...", as in /etc/ssh/ssh_host_ed25519_key.pub';

/** `undefined` unless the text is a key of a type that can be verified. */
export function parseKey(text: string, source: string): TrustedKey | undefined {
  const [type, base64] = text.trim().split(/\s+/);
  if (!type || !base64 || !algorithmsOfType[type]) {
    return undefined;
  }
  const blob = Buffer.from(base64, "base64");
  return keyTypeOf(blob) === type ? { type, blob, source } : undefined;
}

/**
 * The keys that known_hosts has for a host. Patterns with `*` and `?`, negations, hashed names and
 * `[host]:port` are understood; lines of certificate authorities are not used, revoked keys
 * neither. Format: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT.
 */
export function knownHostKeys(
  content: string,
  host: string,
  port: number,
  file = "known_hosts",
): TrustedKey[] {
  const name = port === 22 ? host : `[${host}]:${port}`;
  const keys: TrustedKey[] = [];
  content.split("\n").forEach((line, index) => {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#") || trimmed.startsWith("@")) {
      return;
    }
    const [names = "", ...rest] = trimmed.split(/\s+/);
    if (matchesHost(names, name)) {
      const key = parseKey(rest.join(" "), `${file}:${index + 1}`);
      if (key) {
        keys.push(key);
      }
    }
  });
  return keys;
}

function matchesHost(names: string, name: string): boolean {
  if (names.startsWith("|1|")) {
    const [, , salt = "", hash = ""] = names.split("|");
    const expected = createHmac("sha1", Buffer.from(salt, "base64"))
      .update(name)
      .digest("base64");
    return expected === hash;
  }
  let matched = false;
  for (const pattern of names.split(",")) {
    const negated = pattern.startsWith("!");
    if (globMatches(negated ? pattern.slice(1) : pattern, name)) {
      if (negated) {
        return false;
      }
      matched = true;
    }
  }
  return matched;
}

function globMatches(pattern: string, name: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*/g, ".*")
    .replace(/\?/g, ".");
  return new RegExp(`^${source}$`, "i").test(name);
}

/** Signature algorithms to offer: those of the trusted keys first, so that the server shows one of them. */
export function hostKeyAlgorithms(trusted: readonly TrustedKey[]): string[] {
  const preferred = trusted.flatMap(({ type }) => algorithmsOfType[type] ?? []);
  return [
    ...new Set([...preferred, ...Object.values(algorithmsOfType).flat()]),
  ];
}

export function isTrusted(
  trusted: readonly TrustedKey[],
  shown: Buffer,
): boolean {
  return trusted.some(({ blob }) => blob.equals(shown));
}

export function describeKeys(keys: readonly TrustedKey[]): string {
  return keys
    .map(
      ({ type, blob, source }) => `${type} ${fingerprintOf(blob)} (${source})`,
    )
    .join(" or ");
}
