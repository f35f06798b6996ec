import type { Duplex } from "node:stream";

import type { Client } from "ssh2";

import { defaultConnectBounds, logIn, openSocket } from "./connect";
import type { ConnectBounds } from "./connect";
import { SshError } from "./errors";
import { execOn } from "./exec";
import type { ExecOptions, ExecResult } from "./exec";
import { targetKey } from "./target";
import type { SshTarget } from "./target";

/** sshd allows ten sessions on one connection by default (MaxSessions). */
const maxChannels = 8;

interface Entry {
  readonly key: string;
  readonly ready: Promise<Client>;
  /** Aborts the connecting when nobody wants it any more. */
  readonly giveUp: AbortController;
  client?: Client;
  users: number;
  channels: number;
  readonly waiting: (() => void)[];
  idleTimer?: NodeJS.Timeout | undefined;
  dead: boolean;
}

/** A logged-in connection, shared with others. */
export interface SshSession {
  exec(command: string, options: ExecOptions): Promise<ExecResult>;
  /** A stream to a port that the host can reach. */
  forward(
    host: string,
    port: number,
    options: { signal: AbortSignal; timeoutSeconds: number },
  ): Promise<Duplex>;
}

/**
 * One connection for each host, login and key, shared by all operations that run at the same time,
 * kept for a moment after the last one and then closed.
 */
export class SshPool {
  private readonly entries = new Map<string, Entry>();

  constructor(
    private readonly idleSeconds = 15,
    private readonly bounds: ConnectBounds = defaultConnectBounds,
  ) {}

  /** Number of connections that are open or being opened. */
  get size(): number {
    return this.entries.size;
  }

  /** Runs the work with a connection to the target. */
  async use<T>(
    target: SshTarget,
    signal: AbortSignal,
    work: (session: SshSession) => Promise<T>,
  ): Promise<T> {
    const entry = this.entryFor(target);
    entry.users++;
    clearTimeout(entry.idleTimer);
    try {
      const client = await orAbort(entry.ready, signal);
      return await work(this.session(entry, client));
    } finally {
      this.release(entry);
    }
  }

  /** Closes every connection at once. */
  close(): void {
    for (const entry of [...this.entries.values()]) {
      this.drop(entry);
    }
  }

  private entryFor(target: SshTarget): Entry {
    const key = targetKey(target);
    const present = this.entries.get(key);
    if (present) {
      return present;
    }
    const giveUp = new AbortController();
    const ready = this.connect(target, giveUp.signal);
    const entry: Entry = {
      key,
      ready,
      giveUp,
      users: 0,
      channels: 0,
      waiting: [],
      dead: false,
    };
    this.entries.set(key, entry);
    ready.then(
      (client) => {
        entry.client = client;
        client.once("close", () => this.drop(entry));
        if (entry.dead) {
          client.destroy();
        }
      },
      () => this.drop(entry),
    );
    return entry;
  }

  private async connect(
    target: SshTarget,
    signal: AbortSignal,
  ): Promise<Client> {
    const { bastion, host, port } = target;
    const { connectSeconds } = this.bounds;
    if (target.tunnel) {
      const stream = await target.tunnel.open(signal, connectSeconds);
      return logIn(target, stream, this.bounds, signal);
    }
    if (!bastion) {
      const socket = await openSocket(host, port, connectSeconds, signal);
      return logIn(target, socket, this.bounds, signal);
    }
    // The connection to the bastion is in use for as long as the one that goes through it.
    return new Promise((resolve, reject) => {
      this.use(bastion, signal, async (session) => {
        const stream = await session.forward(host, port, {
          signal,
          timeoutSeconds: connectSeconds,
        });
        const client = await logIn(target, stream, this.bounds, signal);
        resolve(client);
        await new Promise<void>((closed) =>
          client.once("close", () => closed()),
        );
      }).catch(reject);
    });
  }

  private session(entry: Entry, client: Client): SshSession {
    return {
      exec: (command, options) =>
        this.withChannel(entry, options.signal, () =>
          execOn(client, command, options),
        ),
      forward: (host, port, { signal, timeoutSeconds }) =>
        orAbort(forwardOut(client, host, port, timeoutSeconds), signal),
    };
  }

  private async withChannel<T>(
    entry: Entry,
    signal: AbortSignal,
    work: () => Promise<T>,
  ): Promise<T> {
    while (entry.channels >= maxChannels) {
      await orAbort(
        new Promise<void>((free) => entry.waiting.push(free)),
        signal,
      );
    }
    entry.channels++;
    try {
      return await work();
    } finally {
      entry.channels--;
      entry.waiting.splice(0).forEach((free) => free());
    }
  }

  private release(entry: Entry): void {
    entry.users--;
    if (entry.users > 0 || entry.dead) {
      return;
    }
    if (!entry.client) {
      // Still connecting, and the only one who wanted it has given up.
      this.drop(entry);
      return;
    }
    entry.idleTimer = setTimeout(
      () => this.drop(entry),
      this.idleSeconds * 1000,
    );
    entry.idleTimer.unref();
  }

  private drop(entry: Entry): void {
    if (this.entries.get(entry.key) === entry) {
      this.entries.delete(entry.key);
    }
    entry.dead = true;
    clearTimeout(entry.idleTimer);
    entry.giveUp.abort();
    entry.client?.end();
    entry.client?.destroy();
    entry.waiting.splice(0).forEach((free) => free());
  }
}

function forwardOut(
  client: Client,
  host: string,
  port: number,
  timeoutSeconds: number,
): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () =>
        reject(
          new SshError("unreachable", `no answer within ${timeoutSeconds} s`),
        ),
      timeoutSeconds * 1000,
    );
    client.forwardOut("127.0.0.1", 0, host, port, (error, stream) => {
      clearTimeout(timer);
      if (error) {
        // The bastion's sshd passes on what connect(2) said, as the reason of the failure.
        const refused = /refused/i.test(error.message);
        reject(
          new SshError(
            refused ? "refused" : "unreachable",
            bastionText(error.message),
          ),
        );
      } else {
        resolve(stream);
      }
    });
  });
}

function bastionText(message: string): string {
  return `the bastion could not connect: ${message.replace(/^\(SSH\) Channel open failure: /, "")}`;
}

/** The promise's result, or an "aborted" error as soon as the signal aborts. */
function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(new SshError("aborted", "stopped"));
    if (signal.aborted) {
      promise.catch(() => undefined);
      onAbort();
      return;
    }
    signal.addEventListener("abort", onAbort);
    promise
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", onAbort));
  });
}
