import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { signalIfThere } from "@corral-iac/corral/core/processes";
import execa from "execa";
import { Client } from "pg";
import { freePort } from "../lab/freePort";
import { becomes } from "../lab/processes";
import { serverAccount, type Account } from "./account";
import { postgresBinaries } from "./binaries";

const USER = "corral";
const DATABASE = "states";
const START_SECONDS = 30;

/** A real PostgreSQL server with a cluster of its own, for one test. See README.md. */
export class PostgresServer {
  private server: execa.ExecaChildProcess | undefined;

  private constructor(
    private readonly binaries: string,
    private readonly account: Account | undefined,
    private readonly folder: string,
    private readonly port: number,
    readonly password: string,
  ) {}

  /** Makes a cluster with an empty database and starts the server. */
  static async start(): Promise<PostgresServer> {
    const server = new PostgresServer(
      await postgresBinaries(),
      serverAccount(),
      fs.mkdtempSync(path.join(os.tmpdir(), "corral-postgres-")),
      await freePort(),
      randomBytes(18).toString("base64url"),
    );
    try {
      await server.initialize();
      await server.restart();
      await server.sql(`CREATE DATABASE ${DATABASE}`, "postgres");
      return server;
    } catch (error) {
      await server.remove();
      throw error;
    }
  }

  /** URL of the database, as `pulumi login` takes it, with the password. */
  get url(): string {
    return this.urlOf(DATABASE);
  }

  /** Takes the server away without a chance to clean up, as a power cut does. */
  async kill(): Promise<void> {
    await this.stopWith("SIGKILL");
  }

  /** Ends the server at once, connections included. */
  async stop(): Promise<void> {
    // PostgreSQL's "fast shutdown": it waits for nobody.
    await this.stopWith("SIGINT");
  }

  /** Starts the server again, with what was committed, and waits until it answers. */
  async restart(): Promise<void> {
    await this.stop();
    // Left by a kill. The kernel may have given its pid to somebody else by now.
    fs.rmSync(path.join(this.data, "postmaster.pid"), { force: true });
    const log = fs.openSync(path.join(this.folder, "log"), "a");
    this.server = execa(
      path.join(this.binaries, "postgres"),
      ["-D", this.data],
      {
        ...this.asAccount,
        cwd: this.folder,
        stdio: ["ignore", log, log],
        reject: false,
        // Bound to this process: a test that dies does not leave it.
        cleanup: true,
      },
    );
    fs.closeSync(log);
    if (!(await becomes(() => this.answers(), START_SECONDS))) {
      throw new Error(
        `PostgreSQL does not answer after ${START_SECONDS} s.\n${this.log()}`,
      );
    }
  }

  /** Runs a statement and returns its rows. */
  async sql<Row extends object>(
    statement: string,
    database: string = DATABASE,
  ): Promise<Row[]> {
    const client = new Client({ connectionString: this.urlOf(database) });
    client.on("error", () => undefined);
    await client.connect();
    try {
      return (await client.query<Row>(statement)).rows;
    } finally {
      await client.end();
    }
  }

  /** Everything that the server wrote. */
  log(): string {
    const file = path.join(this.folder, "log");
    return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
  }

  /** Ends the server and deletes its cluster. */
  async remove(): Promise<void> {
    await this.stop();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  private get data(): string {
    return path.join(this.folder, "data");
  }

  private get asAccount(): { uid?: number; gid?: number } {
    return this.account === undefined
      ? {}
      : { uid: this.account.uid, gid: this.account.gid };
  }

  private urlOf(database: string): string {
    return `postgres://${USER}:${this.password}@127.0.0.1:${this.port}/${database}?sslmode=disable`;
  }

  private async initialize(): Promise<void> {
    if (this.account !== undefined) {
      fs.chownSync(this.folder, this.account.uid, this.account.gid);
    }
    const passwordFile = path.join(this.folder, "password");
    fs.writeFileSync(passwordFile, this.password, { mode: 0o600 });
    if (this.account !== undefined) {
      fs.chownSync(passwordFile, this.account.uid, this.account.gid);
    }
    await execa(
      path.join(this.binaries, "initdb"),
      [
        ...[
          "--pgdata",
          this.data,
          "--username",
          USER,
          "--pwfile",
          passwordFile,
        ],
        ...["--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C"],
        "--no-sync",
      ],
      { ...this.asAccount, cwd: this.folder, timeout: 60_000 },
    );
    fs.rmSync(passwordFile);
    const settings = [
      "listen_addresses = '127.0.0.1'",
      `port = ${this.port}`,
      // No socket in a folder that others use.
      "unix_socket_directories = ''",
      "fsync = off",
      "max_connections = 40",
      "shared_buffers = 16MB",
    ];
    fs.appendFileSync(
      path.join(this.data, "postgresql.conf"),
      `${settings.join("\n")}\n`,
    );
  }

  private async stopWith(signal: "SIGINT" | "SIGKILL"): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server?.pid !== undefined) {
      const workers = signal === "SIGKILL" ? childrenOf(server.pid) : [];
      [server.pid, ...workers].forEach((pid) => signalIfThere(pid, signal));
      await server;
    }
  }

  private async answers(): Promise<boolean> {
    try {
      await this.sql("SELECT 1", "postgres");
      return true;
    } catch {
      return false;
    }
  }
}

/** Those that serve connections; orphaned, they would go on for a moment. */
function childrenOf(pid: number): number[] {
  return fs
    .readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .split(" ")
    .filter((text) => text.trim() !== "")
    .map(Number);
}
