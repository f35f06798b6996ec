import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { Duplex } from "node:stream";

import { knownHostKeys, parseHostKeys } from "./hostKey";
import type { TrustedKey } from "./hostKey";

/** A host to log in to, and how. */
export interface SshTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** In a format that ssh2 reads: OpenSSH, PEM or PPK. */
  readonly privateKey: string;
  /**
   * The host's public key, in authorized_keys form, perhaps several lines. Left out: the host has
   * to stand in the user's known_hosts.
   */
  readonly hostKey?: string | undefined;
  /** A host to go through. */
  readonly bastion?: SshTarget | undefined;
  /** Another way to it than TCP; goes before `bastion`. */
  readonly tunnel?: Tunnel | undefined;
}

/** A way to a port that no network of this machine leads to. */
export interface Tunnel {
  /** Tells ways apart. */
  readonly key: string;
  /** For messages, for example `the Kubernetes API`. */
  readonly through: string;
  /** A stream to the target's port. Fails with an SshError. */
  open(signal: AbortSignal, timeoutSeconds: number): Promise<Duplex>;
}

/** Two targets with the same key can share a connection. */
export function targetKey(target: SshTarget): string {
  const parts = [
    target.host,
    target.port,
    target.user,
    target.privateKey,
    target.hostKey ?? null,
    target.tunnel?.key ?? null,
  ];
  const bastion = target.bastion ? targetKey(target.bastion) : null;
  return createHash("sha256")
    .update(JSON.stringify([...parts, bastion]))
    .digest("hex");
}

/** For messages: `user@host:port`, and the way. */
export function describeTarget({
  user,
  host,
  port,
  bastion,
  tunnel,
}: SshTarget): string {
  const address = host.includes(":") ? `[${host}]` : host;
  if (tunnel) {
    return `${user}@${address}:${port} through ${tunnel.through}`;
  }
  return `${user}@${address}:${port}${bastion ? ` through ${describeTarget(bastion)}` : ""}`;
}

export function defaultKnownHostsFile(): string {
  return path.join(os.homedir(), ".ssh", "known_hosts");
}

/** Keys that the host may show. Empty: none is known, so it must not be trusted. */
export function trustedKeys(
  target: SshTarget,
  knownHostsFile = defaultKnownHostsFile(),
): TrustedKey[] {
  if (target.hostKey !== undefined) {
    return parseHostKeys(target.hostKey);
  }
  let content: string;
  try {
    content = fs.readFileSync(knownHostsFile, "utf8");
  } catch {
    return [];
  }
  return knownHostKeys(content, target.host, target.port, knownHostsFile);
}
