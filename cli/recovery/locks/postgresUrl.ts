import * as os from "node:os";

/** Ways to connect that are tried one after the other. */
export type TlsMode = "disable" | "require" | "verify-ca" | "verify-full";

/** What a `postgres://` backend URL says, in the words of the npm library `pg`. */
export interface PostgresTarget {
  /** Without what is named here beside it. May hold a password. */
  readonly connectionString: string;
  readonly tlsModes: readonly TlsMode[];
  readonly connectSeconds: number;
  readonly table: string;
  /** Stands before every key: Pulumi takes the path of the URL for a folder in the bucket. */
  readonly keyPrefix: string;
}

const DEFAULT_TABLE = "pulumi_state";
const DEFAULT_CONNECT_SECONDS = 10;

/**
 * Reads a backend URL as Pulumi (3.259, with Go's lib/pq) does, where `pg` reads it differently:
 * TLS is required unless the URL or PGSSLMODE says otherwise, `require` means no check of the
 * server's name, and `search_path` is a parameter of its own.
 *
 * @throws Error that does not repeat the URL, which may hold a password.
 */
export function postgresTarget(
  backendUrl: string,
  env: NodeJS.ProcessEnv,
): PostgresTarget {
  const url = parseUrl(backendUrl);
  const parameters = url.searchParams;
  const take = (name: string): string | undefined => {
    const value = parameters.get(name) ?? undefined;
    parameters.delete(name);
    return value;
  };
  const table = take("table") || DEFAULT_TABLE;
  if (!/^[a-z_][a-z0-9_$]*$/i.test(table)) {
    throw new Error(
      `The state backend's URL names the table "${table}": Pulumi can use only a plain name ` +
        "(letters, digits, underscores).",
    );
  }
  const searchPath = take("search_path");
  if (searchPath !== undefined) {
    const options = [take("options"), `-c search_path=${searchPath}`];
    parameters.set("options", options.filter(Boolean).join(" "));
  }
  const connectSeconds = Number(take("connect_timeout"));
  const isLocalSocket =
    (parameters.get("host") ?? env.PGHOST ?? "").startsWith("/") ||
    /^%2f/i.test(url.hostname);
  const mode = take("sslmode") || env.PGSSLMODE || "require";
  if (url.username === "" && !parameters.has("user") && !env.PGUSER) {
    parameters.set("user", os.userInfo().username);
  }
  return {
    connectionString: url.href,
    tlsModes: isLocalSocket ? ["disable"] : tlsModes(mode),
    connectSeconds:
      connectSeconds > 0 ? connectSeconds : DEFAULT_CONNECT_SECONDS,
    table,
    keyPrefix: folderInBucket(url.pathname),
  };
}

/** The connection string with a TLS mode in it, with the meaning that PostgreSQL gives the mode. */
export function withTlsMode(connectionString: string, mode: TlsMode): string {
  const url = new URL(connectionString);
  url.searchParams.set("sslmode", mode);
  url.searchParams.set("uselibpqcompat", "true");
  return url.href;
}

function parseUrl(backendUrl: string): URL {
  try {
    return new URL(backendUrl);
  } catch {
    throw new Error(
      "The state backend's URL is not valid. It looks like postgres://USER:PASSWORD@HOST:PORT/DATABASE; " +
        "special characters in the password are percent-encoded.",
    );
  }
}

function tlsModes(mode: string): readonly TlsMode[] {
  switch (mode) {
    case "disable":
    case "require":
    case "verify-ca":
    case "verify-full":
      return [mode];
    case "prefer":
      return ["require", "disable"];
    case "allow":
      return ["disable", "require"];
    default:
      throw new Error(
        `The state backend's sslmode is "${mode}"; PostgreSQL knows disable, allow, prefer, require, ` +
          "verify-ca and verify-full.",
      );
  }
}

function folderInBucket(pathname: string): string {
  const folder = decodeURIComponent(pathname).replace(/^\/+/, "");
  return folder === "" || folder.endsWith("/") ? folder : `${folder}/`;
}
