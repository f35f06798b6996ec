import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { parse } from "yaml";
import { field } from "../argumentRules";
import { messageOf } from "../errors";
import { isRecord, isText } from "../later";
import { KubeError } from "./errors";

/** A program that gives out credentials, as cloud providers have them. */
export interface ExecPlugin {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly apiVersion: string;
}

/** How one cluster is reached, by whom. */
export interface KubeAccess {
  /** Such as `https://10.0.0.1:6443`, without a slash at its end. */
  readonly server: string;
  /** Name that the server's certificate is for, where it is not the address. */
  readonly serverName?: string | undefined;
  /** PEM; default: the authorities that the system trusts. */
  readonly authority?: string | undefined;
  readonly insecure: boolean;
  /** PEM. A secret, like all that follows. */
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  readonly token?: string | undefined;
  readonly password?: string | undefined;
  readonly username?: string | undefined;
  readonly exec?: ExecPlugin | undefined;
}

/** Which cluster of which kubeconfig. */
export interface KubeWish {
  /** The text of a kubeconfig, or the path of one. Default: as for kubectl. */
  readonly kubeconfig?: string | undefined;
  /** Name of a context. Default: the current one. */
  readonly context?: string | undefined;
}

const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/**
 * Finds out how a cluster is reached
 * (https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/): by what is
 * given, else by the files of KUBECONFIG, else by ~/.kube/config, else by the account of the pod that
 * this runs in.
 *
 * @throws KubeError `config`, which never shows what a kubeconfig holds.
 */
export function kubeAccess(
  { kubeconfig, context }: KubeWish,
  env: NodeJS.ProcessEnv = process.env,
): KubeAccess {
  if (kubeconfig !== undefined && kubeconfig.trim() !== "") {
    return accessOf(
      isContent(kubeconfig)
        ? [parsed("the given kubeconfig", kubeconfig, process.cwd())]
        : [readConfig(kubeconfig)],
      context,
    );
  }
  const named = (env.KUBECONFIG ?? "").split(path.delimiter).filter(Boolean);
  const files =
    named.length > 0 ? named : [path.join(home(env), ".kube/config")];
  const present = files.filter((file) => fs.existsSync(file));
  if (present.length > 0) {
    return accessOf(present.map(readConfig), context);
  }
  const inPod = podAccess(env);
  if (inPod !== undefined) {
    return inPod;
  }
  throw new KubeError(
    "config",
    `there is no kubeconfig: ${files.join(", ")} ${files.length === 1 ? "is" : "are"} not there`,
    "Give kubeconfig as an argument, or name the file in KUBECONFIG",
  );
}

/** A config with the folder that its relative paths are of. */
interface Config {
  readonly content: Record<string, unknown>;
  readonly folder: string;
  readonly origin: string;
}

function isContent(text: string): boolean {
  return text.includes("\n") || text.trimStart().startsWith("{");
}

function readConfig(file: string): Config {
  const full = file.startsWith("~/")
    ? path.join(os.homedir(), file.slice(2))
    : path.resolve(file);
  let text: string;
  try {
    text = fs.readFileSync(full, "utf8");
  } catch (error) {
    throw new KubeError(
      "config",
      `the kubeconfig ${full} cannot be read: ${messageOf(error)}`,
    );
  }
  return parsed(`the kubeconfig ${full}`, text, path.dirname(full));
}

function parsed(origin: string, text: string, folder: string): Config {
  let content: unknown;
  try {
    content = parse(text);
  } catch {
    // The parser's own words show the line, and with it a credential.
    throw new KubeError("config", `${origin} is no YAML`);
  }
  if (!isRecord(content)) {
    throw new KubeError("config", `${origin} is no kubeconfig`);
  }
  return { content, folder, origin };
}

/** Of things of one name in several files the first counts. */
function accessOf(configs: readonly Config[], wanted?: string): KubeAccess {
  const current = configs
    .map(({ content }) => content["current-context"])
    .find((name) => isText(name) && name !== "");
  const name = wanted ?? current;
  const origin = configs.map((config) => config.origin).join(" and ");
  if (!isText(name)) {
    throw new KubeError(
      "config",
      `${origin} has no current context`,
      "Give context, or set one by kubectl config use-context",
    );
  }
  const context = entry(configs, "contexts", "context", name);
  if (context === undefined) {
    const known = configs
      .flatMap(({ content }) => entries(content.contexts))
      .map((one) => String(one.name));
    throw new KubeError(
      "config",
      `${origin} has no context "${name}"; it has: ${known.join(", ") || "none"}`,
    );
  }
  const part = (list: string, kind: string) =>
    entry(configs, list, kind, String(field(context.value, kind) ?? ""));
  const cluster = part("clusters", "cluster");
  const user = part("users", "user");
  const server = field(cluster?.value, "server");
  if (cluster === undefined || !isText(server)) {
    throw new KubeError(
      "config",
      `context "${name}" of ${origin} names no cluster with a server`,
    );
  }
  return {
    server: serverOf(server, origin),
    serverName: text(field(cluster.value, "tls-server-name")),
    authority: pem(cluster, "certificate-authority"),
    insecure: field(cluster.value, "insecure-skip-tls-verify") === true,
    certificate: user && pem(user, "client-certificate"),
    key: user && pem(user, "client-key"),
    token: user && (text(field(user.value, "token")) ?? tokenFile(user)),
    username: text(field(user?.value, "username")),
    password: text(field(user?.value, "password")),
    exec: execOf(user),
  };
}

interface Entry {
  readonly value: unknown;
  readonly config: Config;
}

function entry(
  configs: readonly Config[],
  list: string,
  kind: string,
  name: string,
): Entry | undefined {
  for (const config of configs) {
    const found = entries(config.content[list]).find(
      (one) => one.name === name,
    );
    if (found !== undefined) {
      return { value: found[kind], config };
    }
  }
  return undefined;
}

function entries(list: unknown): Record<string, unknown>[] {
  return Array.isArray(list) ? list.filter(isRecord) : [];
}

function serverOf(server: string, origin: string): string {
  try {
    const url = new URL(server);
    if (url.protocol === "https:") {
      return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
    }
  } catch {
    // The same fault as another protocol.
  }
  throw new KubeError(
    "config",
    `${origin} has the server "${server}", must be an address like https://host:6443`,
  );
}

/** A certificate or key: in the config itself, or in a file that it names. */
function pem(from: Entry, name: string): string | undefined {
  const data = text(field(from.value, `${name}-data`));
  return data === undefined
    ? fileOf(from, text(field(from.value, name)))
    : Buffer.from(data, "base64").toString("utf8");
}

function tokenFile(user: Entry): string | undefined {
  return fileOf(user, text(field(user.value, "tokenFile")))?.trim();
}

function fileOf(
  { config }: Entry,
  name: string | undefined,
): string | undefined {
  if (name === undefined) {
    return undefined;
  }
  const file = path.resolve(config.folder, name);
  try {
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    throw new KubeError(
      "config",
      `${config.origin} names the file ${file}, which cannot be read: ${messageOf(error)}`,
    );
  }
}

function execOf(user: Entry | undefined): ExecPlugin | undefined {
  const exec = field(user?.value, "exec");
  const command = text(field(exec, "command"));
  if (user === undefined || command === undefined) {
    return undefined;
  }
  const args = field(exec, "args");
  return {
    // A path is of the config's folder; a bare name is looked up in PATH.
    command: command.includes("/")
      ? path.resolve(user.config.folder, command)
      : command,
    args: Array.isArray(args) ? args.map(String) : [],
    env: Object.fromEntries(
      entries(field(exec, "env")).map(({ name, value }) => [
        String(name),
        String(value),
      ]),
    ),
    apiVersion: text(field(exec, "apiVersion")) ?? "",
  };
}

function podAccess(env: NodeJS.ProcessEnv): KubeAccess | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (!host || !fs.existsSync(`${SERVICE_ACCOUNT}/token`)) {
    return undefined;
  }
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port ?? 443}`,
    authority: fs.readFileSync(`${SERVICE_ACCOUNT}/ca.crt`, "utf8"),
    token: fs.readFileSync(`${SERVICE_ACCOUNT}/token`, "utf8").trim(),
    insecure: false,
  };
}

function home(env: NodeJS.ProcessEnv): string {
  return env.HOME || os.homedir();
}

function text(value: unknown): string | undefined {
  return isText(value) && value !== "" ? value : undefined;
}
