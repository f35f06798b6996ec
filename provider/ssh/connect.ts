import * as net from "node:net";
import type { Duplex } from "node:stream";

import type { Client, ClientErrorExtensions } from "ssh2";

import { SshError, fromSocketError } from "./errors";
import {
  describeKeys,
  hostKeyAlgorithms,
  isTrusted,
  keyTypeOf,
} from "./hostKey";
import { fingerprintOf } from "./keyPair";
import { defaultKnownHostsFile, describeTarget, trustedKeys } from "./target";
import type { SshTarget } from "./target";

export interface ConnectBounds {
  /** For the TCP connection. */
  readonly connectSeconds: number;
  /** For the key exchange and the login. */
  readonly handshakeSeconds: number;
}

/** A guest under emulation takes seconds for a key exchange. */
export const defaultConnectBounds: ConnectBounds = {
  connectSeconds: 10,
  handshakeSeconds: 30,
};

const keepAliveSeconds = 10;
/** Unanswered keep-alives until the connection counts as dead. */
const keepAliveMisses = 3;

/** Opens a TCP connection; settles within the bound. */
export function openSocket(
  host: string,
  port: number,
  connectSeconds: number,
  signal: AbortSignal,
): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(new SshError("aborted", "stopped"));
      return;
    }
    const socket = net.connect({ host, port, noDelay: true });
    const settle = (error?: SshError) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      socket.removeListener("error", onError);
      if (error) {
        socket.on("error", () => undefined).destroy();
        reject(error);
      } else {
        resolve(socket);
      }
    };
    const onAbort = () => settle(new SshError("aborted", "stopped"));
    const onError = (error: NodeJS.ErrnoException) =>
      settle(fromSocketError(error));
    const timer = setTimeout(
      () =>
        settle(
          new SshError("unreachable", `no answer within ${connectSeconds} s`),
        ),
      connectSeconds * 1000,
    );
    signal.addEventListener("abort", onAbort);
    socket.once("error", onError).once("connect", () => settle());
  });
}

/** Logs in over a stream that leads to the target; settles within the bounds. */
export async function logIn(
  target: SshTarget,
  sock: Duplex,
  bounds: ConnectBounds,
  signal: AbortSignal,
): Promise<Client> {
  const trusted = trustedKeys(target);
  if (trusted.length === 0) {
    sock.destroy();
    throw new SshError(
      "hostKey",
      `the host key of ${target.host} is not known, so it is not trusted: give hostKey, or put ` +
        `the host into ${defaultKnownHostsFile()}`,
    );
  }
  // ssh2 takes a while to load, and most runs of the plugin never need it.
  const ssh2 = (await import("ssh2")).default;
  const parsed = ssh2.utils.parseKey(target.privateKey);
  if (parsed instanceof Error) {
    sock.destroy();
    const text = `the private key for ${describeTarget(target)} cannot be read: ${parsed.message}`;
    throw new SshError("privateKey", text);
  }
  const client = new ssh2.Client();
  return new Promise((resolve, reject) => {
    let shown: Buffer | undefined;
    const settle = (error?: SshError) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      if (error) {
        client.destroy();
        sock.destroy();
        reject(error);
      } else {
        resolve(client);
      }
    };
    const onAbort = () => settle(new SshError("aborted", "stopped"));
    const timer = setTimeout(
      () =>
        settle(
          new SshError(
            "timeout",
            `the ssh handshake was not done within ${bounds.handshakeSeconds} s`,
          ),
        ),
      bounds.handshakeSeconds * 1000,
    );
    signal.addEventListener("abort", onAbort);
    client.on("ready", () => settle());
    // Stays on for the whole life of the connection: without a listener an error ends the process.
    client.on("error", (error) =>
      settle(explain(error, target, trusted, shown)),
    );
    client.on("close", () =>
      settle(new SshError("closed", "the server closed the connection")),
    );
    client.connect({
      sock,
      username: target.user,
      privateKey: target.privateKey,
      authHandler: ["publickey"],
      algorithms: { serverHostKey: hostKeyAlgorithms(trusted) as never },
      hostVerifier: (key: Buffer) => {
        shown = key;
        return isTrusted(trusted, key);
      },
      readyTimeout: 0,
      keepaliveInterval: keepAliveSeconds * 1000,
      keepaliveCountMax: keepAliveMisses,
    });
  });
}

function explain(
  error: Error & ClientErrorExtensions & NodeJS.ErrnoException,
  target: SshTarget,
  trusted: Parameters<typeof describeKeys>[0],
  shown: Buffer | undefined,
): SshError {
  if (shown && !isTrusted(trusted, shown)) {
    return new SshError(
      "hostKey",
      `the host key of ${target.host} is not the expected one: expected ${describeKeys(trusted)}, ` +
        `got ${keyTypeOf(shown)} ${fingerprintOf(shown)}`,
    );
  }
  if (error.level === "client-authentication") {
    return new SshError(
      "auth",
      `the login as ${target.user} was refused (public key)`,
    );
  }
  if (error.level === "client-timeout") {
    return new SshError("timeout", "the server does not answer any more");
  }
  if (error.level === "client-socket" || error.code) {
    return fromSocketError(error);
  }
  return new SshError("closed", `the ssh handshake failed: ${error.message}`);
}
