import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** Where to look for the URL of the state backend. */
export interface BackendSources {
  readonly env: NodeJS.ProcessEnv;
  /** `backend.url` of the project's Pulumi.yaml. */
  readonly projectUrl?: string;
  /** Asks the Pulumi CLI itself: for logins that it keeps encrypted. */
  whoami(): Promise<string>;
}

/**
 * The URL of the state backend, by the CLI's own rules: the environment, the project, the login.
 * It may hold a password: show {@link describeBackend} of it.
 */
export async function findBackendUrl({
  env,
  projectUrl,
  whoami,
}: BackendSources): Promise<string> {
  return (
    env.PULUMI_BACKEND_URL ||
    projectUrl ||
    currentLogin(credentialsFile(env)) ||
    (await whoami())
  );
}

/** A backend's URL without user, password and parameters. */
export function describeBackend(url: string): string {
  const scheme = backendScheme(url);
  if (scheme === "file") {
    return url;
  }
  // Not by a parser: what cannot be parsed may hold a password too.
  const rest = url.slice(scheme.length + 3);
  const [location = ""] = rest.split(/[?#]/);
  return rest.indexOf("@", location.length) < 0
    ? `${scheme}://${location.slice(location.lastIndexOf("@") + 1)}`
    : `${scheme}://...`;
}

/** `file`, `postgres`, `https`, `s3` and so on. */
export function backendScheme(url: string): string {
  return /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase() ?? "";
}

function credentialsFile(env: NodeJS.ProcessEnv): string {
  const folder =
    env.PULUMI_CREDENTIALS_PATH ||
    env.PULUMI_HOME ||
    path.join(os.homedir(), ".pulumi");
  return path.join(folder, "credentials.json");
}

/** The backend that `pulumi login` chose; undefined when the file does not tell. */
function currentLogin(file: string): string | undefined {
  try {
    const { current } = JSON.parse(fs.readFileSync(file, "utf8")) as {
      current?: string;
    };
    return current;
  } catch {
    return undefined;
  }
}
