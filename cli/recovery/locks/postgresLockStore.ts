import { messageOf } from "@corral-iac/corral/core/errors";
import { Client, DatabaseError } from "pg";
import { describeBackend } from "../backendUrl";
import type { LockStore } from "./lockStore";
import {
  postgresTarget,
  withTlsMode,
  type PostgresTarget,
  type TlsMode,
} from "./postgresUrl";

/** PostgreSQL's code for a table that is not there. */
const UNDEFINED_TABLE = "42P01";
const QUERY_MILLISECONDS = 30_000;

/**
 * The objects of a `postgres://` backend: rows of a table, each with its bytes in base64
 * (backend/diy/postgres/bucket.go of Pulumi). Each call has a connection of its own, so that nobody
 * has to close the store and a database that was away for a while does no harm.
 */
export class PostgresLockStore implements LockStore {
  private constructor(
    private readonly target: PostgresTarget,
    /** For messages: without the password. */
    private readonly description: string,
  ) {}

  static open(backendUrl: string): PostgresLockStore {
    return new PostgresLockStore(
      postgresTarget(backendUrl, process.env),
      describeBackend(backendUrl),
    );
  }

  async keys(folder: string): Promise<string[]> {
    const { keyPrefix, table } = this.target;
    const prefix = `${keyPrefix}${folder}/`;
    const rows = await this.query<{ key: string }>(
      // Not LIKE: names of stacks may have underscores.
      `SELECT key FROM ${table} WHERE left(key, length($1)) = $1 ORDER BY key`,
      [prefix],
    );
    return rows
      .filter(({ key }) => !key.slice(prefix.length).includes("/"))
      .map(({ key }) => key.slice(keyPrefix.length));
  }

  async read(key: string): Promise<string | undefined> {
    const { table } = this.target;
    const [row] = await this.query<{ data: { data: string } }>(
      `SELECT data FROM ${table} WHERE key = $1`,
      [this.fullKey(key)],
    );
    return row && Buffer.from(row.data.data, "base64").toString("utf8");
  }

  async write(key: string, text: string): Promise<void> {
    const data = Buffer.from(text, "utf8").toString("base64");
    await this.query(
      `INSERT INTO ${this.target.table} (key, data) VALUES ($1, $2) ` +
        "ON CONFLICT (key) DO UPDATE SET data = $2, updated_at = now()",
      [this.fullKey(key), JSON.stringify({ data })],
      "write",
    );
  }

  async remove(key: string): Promise<void> {
    await this.query(`DELETE FROM ${this.target.table} WHERE key = $1`, [
      this.fullKey(key),
    ]);
  }

  private fullKey(key: string): string {
    return `${this.target.keyPrefix}${key}`;
  }

  /** Where there is no table yet, there is nothing to read or to remove. */
  private async query<Row extends object>(
    sql: string,
    values: readonly string[],
    kind: "read" | "write" = "read",
  ): Promise<Row[]> {
    const client = await this.connect();
    try {
      return (await client.query<Row>(sql, [...values])).rows;
    } catch (error) {
      const isMissing =
        error instanceof DatabaseError && error.code === UNDEFINED_TABLE;
      if (isMissing && kind === "read") {
        return [];
      }
      throw this.fault(error);
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  private async connect(): Promise<Client> {
    let fault: unknown;
    for (const mode of this.target.tlsModes) {
      try {
        return await this.connectWith(mode);
      } catch (error) {
        fault = error;
      }
    }
    throw this.fault(fault);
  }

  private async connectWith(mode: TlsMode): Promise<Client> {
    const client = new Client({
      connectionString: withTlsMode(this.target.connectionString, mode),
      connectionTimeoutMillis: this.target.connectSeconds * 1000,
      query_timeout: QUERY_MILLISECONDS,
      application_name: "corral",
    });
    // A connection that breaks between two queries shows at the next one.
    client.on("error", () => undefined);
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
  }

  private fault(error: unknown): Error {
    return new Error(
      `The state backend ${this.description} cannot be used: ${describeFault(error)}. ` +
        "Is the database running, and may this user use it?",
      { cause: error },
    );
  }
}

/** Node joins the faults of several addresses (IPv4, IPv6) into one without a text. */
function describeFault(error: unknown): string {
  if (error instanceof AggregateError) {
    return error.errors.map(describeFault).join("; ");
  }
  return messageOf(error);
}
