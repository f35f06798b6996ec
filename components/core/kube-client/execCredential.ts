import { execFile } from "node:child_process";
import { field } from "../argumentRules";
import { isText } from "../later";
import { KubeError } from "./errors";
import type { ExecPlugin, KubeAccess } from "./kubeconfig";

const TIMEOUT_MILLISECONDS = 60_000;

/** What a credential plugin gave, and until when it may be used. */
export interface ExecCredential extends Pick<
  KubeAccess,
  "token" | "certificate" | "key"
> {
  /** Milliseconds since the epoch; undefined when it does not end. */
  readonly expires: number | undefined;
}

/**
 * Runs a credential plugin
 * (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins).
 */
export async function execCredential(
  plugin: ExecPlugin,
  signal: AbortSignal,
): Promise<ExecCredential> {
  const { apiVersion } = plugin;
  const info = {
    apiVersion,
    kind: "ExecCredential",
    spec: { interactive: false },
  };
  const said = await new Promise<string>((resolve, reject) => {
    execFile(
      plugin.command,
      [...plugin.args],
      {
        env: {
          ...process.env,
          ...plugin.env,
          KUBERNETES_EXEC_INFO: JSON.stringify(info),
        },
        timeout: TIMEOUT_MILLISECONDS,
        signal,
        maxBuffer: 1 << 20,
      },
      (error, stdout, stderr) => {
        if (error === null) {
          resolve(stdout);
          return;
        }
        // Only what it says for people: its arguments may hold a secret, its output is one.
        const why =
          error.code === "ENOENT"
            ? "it is not installed"
            : stderr.trim().split("\n").at(-1) || "it failed";
        reject(
          new KubeError(
            "config",
            `the kubeconfig's credential plugin ${plugin.command} gave nothing: ${why}`,
          ),
        );
      },
    );
  });
  return parseCredential(plugin.command, said);
}

function parseCredential(command: string, said: string): ExecCredential {
  let status: unknown;
  try {
    status = field(JSON.parse(said), "status");
  } catch {
    status = undefined;
  }
  const part = (name: string) => {
    const value = field(status, name);
    return isText(value) && value !== "" ? value : undefined;
  };
  const token = part("token");
  const certificate = part("clientCertificateData");
  if (token === undefined && certificate === undefined) {
    throw new KubeError(
      "config",
      `the kubeconfig's credential plugin ${command} gave no ExecCredential`,
    );
  }
  const expires = Date.parse(part("expirationTimestamp") ?? "");
  return {
    token,
    certificate,
    key: part("clientKeyData"),
    expires: Number.isNaN(expires) ? undefined : expires,
  };
}
