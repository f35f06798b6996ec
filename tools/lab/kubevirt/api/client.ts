import * as http from "node:http";
import * as https from "node:https";

/** What every object of Kubernetes has. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: Metadata;
}

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly deletionTimestamp?: string;
  readonly creationTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** Why the API server refused a request. */
export class KubeApiError extends Error {
  constructor(
    readonly status: number,
    /** Kubernetes' word for it, for example `NotFound`, `AlreadyExists`, `Conflict`. */
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

/** How a client reaches an API server. */
export interface KubeAccess {
  /** For example `https://127.0.0.1:6443`. */
  readonly endpoint: string;
  /** The server's certificate authority in PEM. */
  readonly authority: string;
  readonly token: string;
}

const requestSeconds = 30;

/**
 * A small client of the Kubernetes API for the lab's own programs, which start in every test run:
 * a full client library takes longer to load than they take to work.
 */
export class KubeApi {
  private readonly agent: https.Agent;

  constructor(private readonly access: KubeAccess) {
    this.agent = new https.Agent({
      keepAlive: true,
      ca: access.authority,
      maxSockets: 16,
    });
  }

  get<T = KubeObject>(path: string): Promise<T> {
    return this.request<T>("GET", path);
  }

  /** As `get`, and undefined for what is not there. */
  async find<T = KubeObject>(path: string): Promise<T | undefined> {
    try {
      return await this.get<T>(path);
    } catch (error) {
      if (isNotFound(error)) {
        return undefined;
      }
      throw error;
    }
  }

  async list<T = KubeObject>(path: string): Promise<T[]> {
    return (await this.get<{ items: T[] }>(path)).items;
  }

  create<T = KubeObject>(path: string, object: object): Promise<T> {
    return this.request<T>("POST", path, object);
  }

  replace<T = KubeObject>(path: string, object: object): Promise<T> {
    return this.request<T>("PUT", path, object);
  }

  /** Merges fields into an object (RFC 7396); null removes one. */
  patch<T = KubeObject>(path: string, fields: object): Promise<T> {
    return this.request<T>(
      "PATCH",
      path,
      fields,
      "application/merge-patch+json",
    );
  }

  delete(path: string): Promise<unknown> {
    return this.request("DELETE", path);
  }

  /** Opens a watch. The request ends with the server's bound, an error, or by `destroy`. */
  watch(path: string): http.ClientRequest {
    const separator = path.includes("?") ? "&" : "?";
    return this.open("GET", `${path}${separator}watch=true`);
  }

  /** Closes connections that nobody uses. */
  close(): void {
    this.agent.destroy();
  }

  private open(
    method: string,
    path: string,
    contentType?: string,
  ): http.ClientRequest {
    return https.request(`${this.access.endpoint}${path}`, {
      method,
      agent: this.agent,
      headers: {
        authorization: `Bearer ${this.access.token}`,
        accept: "application/json",
        ...(contentType === undefined ? {} : { "content-type": contentType }),
      },
    });
  }

  private request<T>(
    method: string,
    path: string,
    body?: object,
    contentType = "application/json",
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const request = this.open(
        method,
        path,
        body === undefined ? undefined : contentType,
      );
      request.setTimeout(requestSeconds * 1000, () =>
        request.destroy(
          new Error(
            `${method} ${path}: no answer within ${requestSeconds} seconds`,
          ),
        ),
      );
      request.on("error", reject);
      request.on("response", (response) => {
        readAll(response).then((text) => {
          const status = response.statusCode ?? 0;
          if (status >= 200 && status < 300) {
            resolve(parse(text) as T);
          } else {
            reject(errorOf(`${method} ${path}`, status, text));
          }
        }, reject);
      });
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

async function readAll(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** A few paths answer in plain text, as /readyz. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function errorOf(what: string, status: number, text: string): KubeApiError {
  const answer = parse(text) as { reason?: string; message?: string } | string;
  const { reason = "", message = text } =
    typeof answer === "object" ? answer : {};
  return new KubeApiError(
    status,
    reason,
    `${what}: ${status} ${message.trim()}`,
  );
}

export function isNotFound(error: unknown): boolean {
  return error instanceof KubeApiError && error.status === 404;
}

/** Both of an object that is there already and of one that somebody else changed meanwhile. */
export function isConflict(error: unknown): boolean {
  return error instanceof KubeApiError && error.status === 409;
}
