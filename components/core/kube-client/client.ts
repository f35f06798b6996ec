import * as https from "node:https";
import { setTimeout as delay } from "node:timers/promises";
import { trustedCertificates, isCertificateRefusal } from "../trust";
import { isRecord } from "../later";
import { isKubeFault, KubeError, kubeError } from "./errors";
import { type ExecCredential, execCredential } from "./execCredential";
import type { KubeAccess } from "./kubeconfig";

/** A kind of object, as it stands in the API's paths. */
export interface KubeKind {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** Plural, in lower case. */
  readonly resource: string;
}

/** An object as the API shows it. */
export type KubeObject = Record<string, unknown>;

export interface KubeOptions {
  readonly signal?: AbortSignal | undefined;
  /** For the request with all its repetitions. Default 30. */
  readonly timeoutSeconds?: number | undefined;
}

/** How the API's server and its user are told to TLS. */
export interface TlsAccess {
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly ca?: string | string[] | undefined;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** How a stream to the API is opened. Holds credentials. */
export interface StreamAccess {
  readonly server: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsAccess;
}

type Method = "GET" | "POST" | "DELETE";

const DEFAULT_TIMEOUT_SECONDS = 30;
const RETRY_PAUSES_MILLISECONDS = [250, 1000];
const MAX_SOCKETS = 8;
/** A credential is asked for anew when it has less than this left. */
const CREDENTIAL_MARGIN_MILLISECONDS = 60_000;
const PAGE = 500;

/** A Kubernetes API: reads, lists, makes and deletes objects; every request is bounded. */
export class KubeClient {
  readonly server: string;
  private agent: https.Agent | undefined;
  private credential: ExecCredential | undefined;

  constructor(private readonly access: KubeAccess) {
    this.server = access.server;
  }

  /** Ends the connections that are kept alive. */
  close(): void {
    this.agent?.destroy();
    this.agent = undefined;
  }

  /** @returns undefined when the object is not there. */
  async find(
    kind: KubeKind,
    namespace: string,
    name: string,
    options?: KubeOptions,
  ): Promise<KubeObject | undefined> {
    try {
      return await this.request(
        "GET",
        { verb: "get", kind, namespace, name },
        options,
      );
    } catch (error) {
      if (isKubeFault(error, "notFound")) {
        return undefined;
      }
      throw error;
    }
  }

  /** @param namespace undefined for all. */
  async list(
    kind: KubeKind,
    namespace: string | undefined,
    selector: { readonly label?: string; readonly field?: string } = {},
    options?: KubeOptions,
  ): Promise<KubeObject[]> {
    const items: KubeObject[] = [];
    let next = "";
    do {
      const page = await this.request(
        "GET",
        {
          verb: "list",
          kind,
          namespace,
          query: {
            limit: String(PAGE),
            labelSelector: selector.label,
            fieldSelector: selector.field,
            continue: next || undefined,
          },
        },
        options,
      );
      items.push(
        ...(Array.isArray(page.items) ? page.items : []).filter(isRecord),
      );
      const { continue: more } = isRecord(page.metadata) ? page.metadata : {};
      next = typeof more === "string" ? more : "";
    } while (next !== "");
    return items;
  }

  async create(
    kind: KubeKind,
    namespace: string,
    object: KubeObject,
    options?: KubeOptions,
  ): Promise<KubeObject> {
    return this.request(
      "POST",
      { verb: "create", kind, namespace, body: object },
      options,
    );
  }

  /** Asks for the deletion; succeeds when the object is gone already. */
  async delete(
    kind: KubeKind,
    namespace: string,
    name: string,
    options?: KubeOptions,
  ): Promise<void> {
    try {
      await this.request(
        "DELETE",
        { verb: "delete", kind, namespace, name },
        options,
      );
    } catch (error) {
      if (!isKubeFault(error, "notFound", "noKind")) {
        throw error;
      }
    }
  }

  /** For connections that are no requests, such as web sockets: where to, and how one logs in. */
  async streamAccess(signal: AbortSignal): Promise<StreamAccess> {
    const credential = await this.currentCredential(signal);
    return {
      server: this.server,
      headers: authorization(credential),
      tls: this.tlsOptions(credential),
    };
  }

  private async request(
    method: Method,
    target: Target,
    options: KubeOptions = {},
  ): Promise<KubeObject> {
    const { signal, timeoutSeconds = DEFAULT_TIMEOUT_SECONDS } = options;
    const what = describe(target);
    const bound = AbortSignal.timeout(timeoutSeconds * 1000);
    const stop =
      signal === undefined ? bound : AbortSignal.any([signal, bound]);
    const pauses = method === "GET" ? [...RETRY_PAUSES_MILLISECONDS] : [];
    for (;;) {
      try {
        return await this.once(method, target, what, stop);
      } catch (error) {
        if (signal?.aborted) {
          throw new KubeError("aborted", `${what} was stopped`);
        }
        if (bound.aborted) {
          throw new KubeError(
            "timeout",
            `${what} at ${this.server} gave no answer within ${timeoutSeconds} s`,
          );
        }
        const pause = isKubeFault(error, "unreachable")
          ? pauses.shift()
          : undefined;
        if (pause === undefined) {
          throw error;
        }
        await delay(pause, undefined, { signal: stop }).catch(() => undefined);
      }
    }
  }

  private async once(
    method: Method,
    target: Target,
    what: string,
    signal: AbortSignal,
  ): Promise<KubeObject> {
    const credential = await this.currentCredential(signal);
    const body = target.body && JSON.stringify(target.body);
    const { status, text } = await this.send(
      method,
      pathOf(target),
      body,
      credential,
      signal,
    );
    if (status < 200 || status > 299) {
      throw kubeError({ what, server: this.server }, status, text);
    }
    return objectOf(text, what, this.server);
  }

  private send(
    method: Method,
    path: string,
    body: string | undefined,
    credential: Credential,
    signal: AbortSignal,
  ): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const fail = (error: NodeJS.ErrnoException) =>
        reject(this.explain(error));
      const request = https.request(
        `${this.server}${path}`,
        {
          method,
          signal,
          // As at Proxmox VE: what must not be repeated has a connection of its own.
          ...(method === "GET"
            ? { agent: this.keptAgent(credential) }
            : { agent: false, ...this.tlsOptions(credential) }),
          headers: {
            Accept: "application/json",
            "User-Agent": "corral",
            ...authorization(credential),
            ...(body === undefined
              ? {}
              : {
                  "Content-Type": "application/json",
                  "Content-Length": Buffer.byteLength(body),
                }),
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", fail);
          response.on("end", () =>
            resolve({
              status: response.statusCode ?? 0,
              text: Buffer.concat(chunks).toString("utf8"),
            }),
          );
        },
      );
      request.on("error", fail);
      request.end(body);
    });
  }

  private async currentCredential(signal: AbortSignal): Promise<Credential> {
    const { exec } = this.access;
    if (exec === undefined) {
      return this.access;
    }
    const { expires = Infinity } = this.credential ?? { expires: 0 };
    if (
      this.credential === undefined ||
      expires < Date.now() + CREDENTIAL_MARGIN_MILLISECONDS
    ) {
      this.close(); // A connection keeps the certificate that it was made with.
      this.credential = await execCredential(exec, signal);
    }
    return this.credential;
  }

  private keptAgent(credential: Credential): https.Agent {
    this.agent ??= new https.Agent({
      keepAlive: true,
      maxSockets: MAX_SOCKETS,
      ...this.tlsOptions(credential),
    });
    return this.agent;
  }

  private tlsOptions({ certificate, key }: Credential): TlsAccess {
    const { authority, insecure, serverName } = this.access;
    return {
      cert: certificate,
      key,
      ...(serverName === undefined ? {} : { servername: serverName }),
      ...(insecure
        ? { rejectUnauthorized: false }
        : { ca: authority ?? [...trustedCertificates()] }),
    };
  }

  private explain(error: NodeJS.ErrnoException): KubeError {
    if (isCertificateRefusal(error.code)) {
      return new KubeError(
        "certificate",
        `the certificate of ${this.server} is not trusted: ${error.message}`,
        "The kubeconfig's certificate-authority is of another cluster, or missing",
      );
    }
    const why =
      error.code === "ENOTFOUND" ? "its name is not known" : error.message;
    return new KubeError(
      "unreachable",
      `the Kubernetes API at ${this.server} cannot be reached: ${why}`,
      "Check the kubeconfig and the network: kubectl version",
    );
  }
}

type Credential = Pick<
  KubeAccess,
  "token" | "certificate" | "key" | "username" | "password"
>;

interface Target {
  readonly verb: string;
  readonly kind: KubeKind;
  readonly namespace: string | undefined;
  readonly name?: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: KubeObject;
}

function authorization({
  token,
  username,
  password,
}: Credential): Record<string, string> {
  if (token !== undefined) {
    return { Authorization: `Bearer ${token}` };
  }
  if (username === undefined) {
    return {};
  }
  const pair = Buffer.from(`${username}:${password ?? ""}`).toString("base64");
  return { Authorization: `Basic ${pair}` };
}

function pathOf({ kind, namespace, name, query = {} }: Target): string {
  const { group, version, resource } = kind;
  const path = [
    group === "" ? "/api" : `/apis/${group}`,
    version,
    ...(namespace === undefined || namespace === ""
      ? []
      : ["namespaces", encodeURIComponent(namespace)]),
    resource,
    ...(name === undefined ? [] : [encodeURIComponent(name)]),
  ].join("/");
  const given = Object.entries(query).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  );
  return given.length === 0
    ? path
    : `${path}?${new URLSearchParams(given).toString()}`;
}

/** `get virtualmachines.kubevirt.io web/vm1`. */
function describe({ verb, kind, namespace, name }: Target): string {
  const { group, resource } = kind;
  const place =
    name === undefined
      ? namespace
        ? `in ${namespace}`
        : ""
      : namespace
        ? `${namespace}/${name}`
        : name;
  return [verb, group === "" ? resource : `${resource}.${group}`, place]
    .filter((part) => part !== "")
    .join(" ");
}

function objectOf(text: string, what: string, server: string): KubeObject {
  try {
    const object: unknown = JSON.parse(text);
    if (isRecord(object)) {
      return object;
    }
  } catch {
    // The same fault as anything else that is no object.
  }
  throw new KubeError(
    "other",
    `${what} gave an answer that is not a Kubernetes API's: is ${server} the address of one?`,
  );
}
