import type * as https from "node:https";
import {
  type Answered,
  askBounded,
  exchange,
  keptConnections,
  type RequestBounds,
  whyUnreached,
} from "../boundedHttps";
import { trustedCertificates, isCertificateRefusal } from "../trust";
import { isRecord } from "../later";
import { isKubeFault, KubeError, kubeError } from "./errors";
import { type ExecCredential, execCredential } from "./execCredential";
import type { KubeAccess } from "./kubeconfig";

/** By which the API's log and the bench tell these requests from others. */
const USER_AGENT = "corral";

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

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** A credential is asked for anew when it has less than this left. */
const CREDENTIAL_MARGIN_MILLISECONDS = 60_000;
const PAGE = 500;

/** A Kubernetes API: reads, lists, makes, changes and deletes objects; every request is bounded. */
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
    options?: RequestBounds,
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
    options?: RequestBounds,
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
    options?: RequestBounds,
  ): Promise<KubeObject> {
    return this.request(
      "POST",
      { verb: "create", kind, namespace, body: object },
      options,
    );
  }

  /** Changes what the patch says, and leaves the rest (RFC 7386, a JSON merge patch). */
  async patch(
    kind: KubeKind,
    namespace: string,
    name: string,
    patch: KubeObject,
    options?: RequestBounds,
  ): Promise<KubeObject> {
    return this.request(
      "PATCH",
      { verb: "patch", kind, namespace, name, body: patch },
      options,
    );
  }

  /** Asks an object to do something by a subresource of its, such as a machine to `restart`. */
  async act(
    kind: KubeKind,
    namespace: string,
    name: string,
    subresource: string,
    options?: RequestBounds,
  ): Promise<void> {
    await this.request(
      "PUT",
      { verb: "update", kind, namespace, name, subresource, body: {} },
      options,
    );
  }

  /**
   * Asks for the deletion; succeeds when the object is gone already.
   *
   * @param options.uid deletes this very object, and none that has its name by now: that is a
   *   `conflict`.
   */
  async delete(
    kind: KubeKind,
    namespace: string,
    name: string,
    { uid, ...options }: RequestBounds & { readonly uid?: string } = {},
  ): Promise<void> {
    const body = uid !== undefined && {
      apiVersion: "v1",
      kind: "DeleteOptions",
      preconditions: { uid },
    };
    try {
      await this.request(
        "DELETE",
        { verb: "delete", kind, namespace, name, ...(body && { body }) },
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
      headers: { ...authorization(credential), "User-Agent": USER_AGENT },
      tls: this.tlsOptions(credential),
    };
  }

  private async request(
    method: Method,
    target: Target,
    options: RequestBounds = {},
  ): Promise<KubeObject> {
    const what = describe(target);
    return askBounded(
      method,
      options,
      (signal) => this.once(method, target, what, signal),
      {
        stopped: () => new KubeError("aborted", `${what} was stopped`),
        unanswered: (timeoutSeconds) =>
          new KubeError(
            "timeout",
            `${what} at ${this.server} gave no answer within ${timeoutSeconds} s`,
          ),
        isPassing: (error) => isKubeFault(error, "unreachable"),
      },
    );
  }

  private async once(
    method: Method,
    target: Target,
    what: string,
    signal: AbortSignal,
  ): Promise<KubeObject> {
    const credential = await this.currentCredential(signal);
    const { status, body } = await this.send(
      method,
      target,
      credential,
      signal,
    );
    if (status < 200 || status > 299) {
      throw kubeError({ what, server: this.server }, status, body);
    }
    // A subresource that acts says nothing.
    return target.subresource !== undefined && body === ""
      ? {}
      : objectOf(body, what, this.server);
  }

  private send(
    method: Method,
    target: Target,
    credential: Credential,
    signal: AbortSignal,
  ): Promise<Answered> {
    return exchange({
      url: `${this.server}${pathOf(target)}`,
      method,
      headers: {
        "User-Agent": USER_AGENT,
        // virt-api answers actions with nothing, and refuses who wants JSON.
        ...(target.subresource === undefined ? {} : { Accept: "*/*" }),
        ...authorization(credential),
      },
      body: target.body && {
        type:
          method === "PATCH"
            ? "application/merge-patch+json"
            : "application/json",
        text: JSON.stringify(target.body),
      },
      agent: () => this.keptAgent(credential),
      tls: () => this.tlsOptions(credential),
      signal,
      explain: (error) => this.explain(error),
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
    this.agent ??= keptConnections(this.tlsOptions(credential));
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
    return new KubeError(
      "unreachable",
      `the Kubernetes API at ${this.server} cannot be reached: ${whyUnreached(error)}`,
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
  readonly subresource?: string;
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

function pathOf(target: Target): string {
  const { kind, namespace, name, subresource, query = {} } = target;
  const { group, version, resource } = kind;
  const path = [
    group === "" ? "/api" : `/apis/${group}`,
    version,
    ...(namespace === undefined || namespace === ""
      ? []
      : ["namespaces", encodeURIComponent(namespace)]),
    resource,
    ...(name === undefined ? [] : [encodeURIComponent(name)]),
    ...(subresource === undefined ? [] : [subresource]),
  ].join("/");
  const given = Object.entries(query).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  );
  return given.length === 0
    ? path
    : `${path}?${new URLSearchParams(given).toString()}`;
}

/** `get virtualmachines.kubevirt.io web/vm1`. */
function describe(target: Target): string {
  const { verb, kind, namespace, name, subresource } = target;
  const { group } = kind;
  const resource = [kind.resource, subresource].filter(Boolean).join("/");
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
