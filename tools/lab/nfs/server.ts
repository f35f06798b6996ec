import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";

import { ensureDebianPackages } from "../../toolchain";
import { whichSystem } from "../../toolchain/commands";
import { becomes } from "../processes";
import { ganeshaConfig } from "./config";
import type { Export } from "./config";

export type { Export } from "./config";

/** TCP port of NFS. */
export const NFS_PORT = 2049;

/** One share that may be written, one that may not, and one that no guest may mount. */
const usualExports: readonly Export[] = [
  { name: "rw", access: "rw" },
  { name: "ro", access: "ro" },
  { name: "refused", access: "refused" },
];

/**
 * A real NFSv4 server (nfs-ganesha, which needs nothing of the kernel) on an address of this machine,
 * for instance that of a bridge. It ends with this process at the latest.
 */
export class NfsServer {
  private daemon: ChildProcess | undefined;

  private constructor(
    /** The address that it listens on. */
    readonly address: string,
    private readonly folder: string,
    private readonly exports: readonly Export[],
  ) {}

  /**
   * Starts a server; its exports are empty folders.
   *
   * @param address of this machine that nobody else's NFS server listens on.
   * @throws Error with the server's own last words when it does not start.
   */
  static async start(
    address: string,
    exports: readonly Export[] = usualExports,
  ): Promise<NfsServer> {
    await ensureDebianPackages("nfs");
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-nfs-"));
    const server = new NfsServer(address, folder, exports);
    for (const { name } of exports) {
      fs.mkdirSync(server.folderOf(name), { recursive: true });
      fs.chmodSync(server.folderOf(name), 0o777);
    }
    try {
      await server.resume();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** What a guest mounts: `hostPath` of the export. */
  pathOf(name: string): string {
    return `/${name}`;
  }

  /** The export's folder on this machine. */
  folderOf(name: string): string {
    return path.join(this.folder, "exports", name);
  }

  /** What the server has written since its first start. */
  log(): string {
    const file = this.file("log");
    return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
  }

  /** Starts it again after {@link halt}; exports and files are those of before. */
  async resume(): Promise<void> {
    fs.mkdirSync(this.file("recovery"), { recursive: true });
    fs.writeFileSync(
      this.file("conf"),
      ganeshaConfig({
        address: this.address,
        port: NFS_PORT,
        recovery: this.file("recovery"),
        exports: this.exports.map((entry) => ({
          ...entry,
          folder: this.folderOf(entry.name),
        })),
      }),
    );
    const ganesha = whichSystem("ganesha.nfsd") ?? "ganesha.nfsd";
    const log = fs.openSync(this.file("log"), "a");
    const daemon = spawn(
      "setpriv",
      [
        ...["--pdeathsig", "KILL", ganesha, "-F"],
        ...["-L", this.file("log"), "-f", this.file("conf")],
        ...["-p", this.file("pid")],
      ],
      { stdio: ["ignore", log, log] },
    );
    fs.closeSync(log);
    daemon.on("error", () => undefined);
    this.daemon = daemon;
    const listens = await becomes(
      async () => hasEnded(daemon) || (await answers(this.address)),
      30,
    );
    if (!listens || hasEnded(daemon)) {
      throw new Error(
        `nfs-ganesha does not serve ${this.address}:${NFS_PORT}. Is there such an address here, and is ` +
          `the port free on it? Its last words:\n${this.log().split("\n").slice(-15).join("\n")}`,
      );
    }
  }

  /** Ends the server and keeps its files: nothing listens any more. */
  async halt(): Promise<void> {
    const daemon = this.daemon;
    this.daemon = undefined;
    if (daemon === undefined || hasEnded(daemon)) {
      return;
    }
    // A client that has it mounted notices nothing: what it needs is in the recovery folder.
    daemon.kill("SIGTERM");
    if (!(await becomes(() => hasEnded(daemon), 10))) {
      daemon.kill("SIGKILL");
      await becomes(() => hasEnded(daemon), 10);
    }
  }

  /** Lets it hang: it accepts connections and says nothing. */
  freeze(): void {
    this.daemon?.kill("SIGSTOP");
  }

  /** Goes on after {@link freeze}. */
  thaw(): void {
    this.daemon?.kill("SIGCONT");
  }

  /** Ends the server and removes all of it. */
  async stop(): Promise<void> {
    this.thaw();
    await this.halt();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  private file(name: string): string {
    return path.join(this.folder, name);
  }
}

function hasEnded(daemon: ChildProcess): boolean {
  return (
    daemon.pid === undefined ||
    daemon.exitCode !== null ||
    daemon.signalCode !== null
  );
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: address, port: NFS_PORT });
    const done = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.once("connect", () => done(true)).once("error", () => done(false));
    socket.setTimeout(2000, () => done(false));
  });
}
