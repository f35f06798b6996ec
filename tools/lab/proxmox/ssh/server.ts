import { timingSafeEqual } from "node:crypto";
import {
  type AuthContext,
  type Connection,
  type ParsedKey,
  Server,
  type ServerChannel,
  utils,
} from "ssh2";
import { listenOnLoopback } from "../../loopback";
import type { Cluster } from "../cluster";
import { runCommand, scriptOf } from "./commands";
import type { KeyPair } from "./keys";
import { serveSftp } from "./sftp";

/** A command that somebody ran on the node. */
export interface ShellRecord {
  /** When it came, in ISO format. */
  readonly at: string;
  /** The script that was run. */
  readonly script: string;
  readonly exitCode: number;
}

/** The node's ssh server: knows what providers do there and nothing else. */
export class NodeSsh {
  private server: Server | undefined;
  private readonly connections = new Set<Connection>();
  readonly commands: ShellRecord[] = [];

  constructor(
    private readonly cluster: Cluster,
    private readonly hostKey: KeyPair,
    private readonly loginKey: KeyPair,
  ) {}

  /** @returns the port. */
  async listen(port: number): Promise<number> {
    const server = new Server(
      { hostKeys: [this.hostKey.privateKey] },
      (client) => this.serve(client),
    );
    const listening = await listenOnLoopback(server, port);
    this.server = server;
    return listening;
  }

  async close(): Promise<void> {
    const server = this.server;
    this.server = undefined;
    if (server !== undefined) {
      const closed = new Promise<void>((resolve) =>
        server.close(() => resolve()),
      );
      this.connections.forEach((connection) => connection.end());
      await closed;
    }
  }

  private serve(client: Connection): void {
    this.connections.add(client);
    client.on("close", () => this.connections.delete(client));
    client.on("error", () => client.end());
    client.on("authentication", (context) => this.authenticate(context));
    client.on("session", (accept) => {
      const session = accept();
      session.on("exec", (acceptExec, _reject, { command }) => {
        void this.execute(command, acceptExec());
      });
      session.on("sftp", (acceptSftp) =>
        serveSftp(acceptSftp(), this.folders()),
      );
    });
  }

  private folders(): string[] {
    return Object.values(this.cluster.store.state.storages).flatMap(
      (storage) => (storage.path === undefined ? [] : [storage.path]),
    );
  }

  /** Root by the one key that is allowed, and nobody else. */
  private authenticate(context: AuthContext): void {
    const allowed = utils.parseKey(this.loginKey.publicKey) as ParsedKey;
    if (
      context.method !== "publickey" ||
      context.username !== "root" ||
      !sameBytes(context.key.data, allowed.getPublicSSH())
    ) {
      context.reject(["publickey"]);
      return;
    }
    const { signature, blob } = context;
    if (signature === undefined || blob === undefined) {
      context.accept(); // The client asks whether the key would do.
    } else if (allowed.verify(blob, signature, context.hashAlgo) === true) {
      context.accept();
    } else {
      context.reject();
    }
  }

  private async execute(
    command: string,
    channel: ServerChannel,
  ): Promise<void> {
    const at = new Date().toISOString();
    // Who only reads the output need not close the input: then there is none.
    const input = /\/usr\/bin\/tee /.test(command)
      ? await inputOf(channel)
      : Buffer.alloc(0);
    const fault = this.cluster.faults.takeForShell(scriptOf(command));
    const { exitCode, output } =
      fault === undefined
        ? await runCommand(this.cluster, command, input)
        : { exitCode: 1, output: `${fault.message}\n` };
    this.commands.push({ at, script: scriptOf(command), exitCode });
    channel.write(output);
    channel.exit(exitCode);
    channel.end();
  }
}

/** All that comes over a channel. Not by iteration: that would close the channel at its end. */
function inputOf(channel: ServerChannel): Promise<Buffer> {
  const chunks: Buffer[] = [];
  return new Promise((resolve) => {
    channel.on("data", (chunk: Buffer) => chunks.push(chunk));
    channel.once("end", () => resolve(Buffer.concat(chunks)));
  });
}

function sameBytes(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
