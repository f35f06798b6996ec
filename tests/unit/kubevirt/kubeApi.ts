import * as https from "node:https";
import { listenOnLoopback } from "@corral-iac/tools/lab/loopback";
import { CERTIFICATE, KEY } from "../shared/certificate";

type Body = Record<string, unknown>;

/** What the API is asked. */
export interface KubeAsked {
  readonly method: string;
  /** Decoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Body | undefined;
}

/** A refusal, or a connection that breaks; undefined lets the request through. */
export type Interference =
  | { readonly status: number; readonly body: string | Body }
  | "reset"
  | "silence"
  | undefined;

/**
 * A small Kubernetes API over HTTPS: keeps objects and refuses in the words of kube-apiserver 1.34.
 * What it has no kinds for it answers as the real one does for a missing CRD.
 */
export class KubeApi {
  readonly asked: KubeAsked[] = [];
  /** Plural names with their groups that there are, such as `datavolumes.cdi.kubevirt.io`. */
  readonly kinds = new Set<string>();
  /** By `resource.group/namespace/name`. */
  readonly objects = new Map<string, Body>();
  /** Goes before every answer. */
  interfere: (asked: KubeAsked) => Interference = () => undefined;
  /** What becomes of an object that was made. */
  afterCreate: (resource: string, object: Body) => void = () => undefined;
  /** What a machine was asked to do, as `namespace/name: action`. */
  readonly acted: string[] = [];
  /** What comes of it. */
  afterAction: (namespace: string, name: string, action: string) => void = () =>
    undefined;
  /** Whether a deletion is carried out; otherwise the object is marked only. */
  finishesDeletion = true;
  /** Items of one page. */
  pageSize = 500;

  private constructor(
    private readonly server: https.Server,
    readonly url: string,
  ) {}

  static async start(): Promise<KubeApi> {
    const server = https.createServer({ key: KEY, cert: CERTIFICATE });
    const port = await listenOnLoopback(server);
    const api = new KubeApi(server, `https://127.0.0.1:${port}`);
    server.on("request", (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const url = new URL(request.url ?? "", api.url);
        const text = Buffer.concat(chunks).toString("utf8");
        const asked = {
          method: request.method ?? "",
          path: decodeURIComponent(url.pathname),
          query: url.searchParams,
          headers: request.headers,
          body: text === "" ? undefined : (JSON.parse(text) as Body),
        };
        api.asked.push(asked);
        const said = api.interfere(asked) ?? api.answer(asked);
        if (said === "reset") {
          request.socket.destroy();
        } else if (said !== "silence") {
          const { status, body } = said;
          response
            .writeHead(status, { "Content-Type": "application/json" })
            .end(typeof body === "string" ? body : JSON.stringify(body));
        }
      });
    });
    return api;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** A kubeconfig for it, with a token. */
  kubeconfig(token = "planted-token"): string {
    const authority = Buffer.from(CERTIFICATE).toString("base64");
    return [
      "apiVersion: v1",
      "kind: Config",
      "current-context: test",
      `clusters: [{name: c, cluster: {server: "${this.url}", certificate-authority-data: ${authority}}}]`,
      `users: [{name: u, user: {token: ${token}}}]`,
      "contexts: [{name: test, context: {cluster: c, user: u}}]",
      "",
    ].join("\n");
  }

  put(resource: string, object: Body): void {
    this.kinds.add(resource);
    const { namespace = "", name } = object.metadata as Record<string, string>;
    this.objects.set(`${resource}/${namespace}/${name}`, object);
  }

  /** `resource.group/namespace/name` of all there are of a kind. */
  namesOf(resource: string): string[] {
    return [...this.objects.keys()].filter((key) =>
      key.startsWith(`${resource}/`),
    );
  }

  private answer(asked: KubeAsked): { status: number; body: string | Body } {
    const action =
      /^\/apis\/subresources\.kubevirt\.io\/v1\/namespaces\/([^/]+)\/virtualmachines\/([^/]+)\/([^/]+)$/.exec(
        asked.path,
      );
    if (action !== null && asked.method === "PUT") {
      const [, namespace = "", name = "", what = ""] = action;
      this.acted.push(`${namespace}/${name}: ${what}`);
      this.afterAction(namespace, name, what);
      return { status: 202, body: "" };
    }
    const match =
      /^\/(?:api|apis\/([^/]+))\/[^/]+(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?$/.exec(
        asked.path,
      );
    const [, group = "", namespace = "", plural = "", name] = match ?? [];
    const resource = group === "" ? plural : `${plural}.${group}`;
    if (!this.kinds.has(resource)) {
      return { status: 404, body: "404 page not found\n" };
    }
    const key = `${resource}/${namespace}/${name}`;
    switch (asked.method) {
      case "POST":
        return this.create(resource, namespace, asked.body ?? {});
      case "PATCH":
        return this.patch(key, asked.body ?? {});
      case "DELETE":
        return this.objects.has(key)
          ? this.remove(key, asked.body)
          : refusal(404, "NotFound", `${resource} "${name}" not found`, name);
      default:
        if (name === undefined) {
          return this.list(resource, namespace, asked.query);
        }
    }
    const found = this.objects.get(key);
    return found === undefined
      ? refusal(404, "NotFound", `${resource} "${name}" not found`, name)
      : { status: 200, body: found };
  }

  private create(resource: string, namespace: string, body: Body) {
    const { name } = body.metadata as Record<string, string>;
    const key = `${resource}/${namespace}/${name}`;
    if (this.objects.has(key)) {
      const message = `${resource} "${name}" already exists`;
      return refusal(409, "AlreadyExists", message, name);
    }
    this.objects.set(key, body);
    this.afterCreate(resource, body);
    return { status: 201, body };
  }

  private patch(key: string, patch: Body) {
    const object = this.objects.get(key);
    if (object === undefined) {
      return refusal(404, "NotFound", `${key} not found`);
    }
    const body = merged(object, patch);
    this.objects.set(key, body);
    return { status: 200, body };
  }

  private remove(key: string, options: Body = {}) {
    const object = this.objects.get(key) ?? {};
    const { uid } = (options.preconditions ?? {}) as { uid?: unknown };
    if (uid !== undefined && uid !== (object.metadata as Body).uid) {
      return refusal(409, "Conflict", "the UID in the precondition differs");
    }
    if (this.finishesDeletion) {
      this.objects.delete(key);
    } else {
      (object.metadata as Body).deletionTimestamp = "2026-01-01T00:00:00Z";
    }
    return { status: 200, body: object };
  }

  private list(resource: string, namespace: string, query: URLSearchParams) {
    const wanted = (query.get("labelSelector") ?? "")
      .split(",")
      .filter((part) => part !== "")
      .map((part) => part.split("="));
    const all = this.namesOf(resource)
      .filter((key) => namespace === "" || key.split("/")[1] === namespace)
      .map((key) => this.objects.get(key) as Body)
      .filter(({ metadata }) => {
        const labels = (metadata as { labels?: Record<string, string> }).labels;
        return wanted.every(([label = "", value]) =>
          value === undefined
            ? labels?.[label] !== undefined
            : labels?.[label] === value,
        );
      });
    const from = Number(query.get("continue") ?? 0);
    const to = from + this.pageSize;
    return {
      status: 200,
      body: {
        kind: "List",
        metadata: to < all.length ? { continue: String(to) } : {},
        items: all.slice(from, to),
      },
    };
  }
}

/** RFC 7386. */
function merged(target: Body, patch: Body): Body {
  const result = { ...target };
  for (const [name, value] of Object.entries(patch)) {
    const before = result[name];
    result[name] =
      typeof value === "object" && value !== null
        ? merged(
            typeof before === "object" && before !== null
              ? (before as Body)
              : {},
            value as Body,
          )
        : value;
  }
  return result;
}

/** A Status of the API. */
export function refusal(
  code: number,
  reason: string,
  message: string,
  name?: string,
): { status: number; body: Body } {
  return {
    status: code,
    body: {
      kind: "Status",
      apiVersion: "v1",
      status: "Failure",
      message,
      reason,
      ...(name === undefined ? {} : { details: { name } }),
      code,
    },
  };
}
