import * as https from "node:https";
import { setTimeout as delay } from "node:timers/promises";
import { proxmoxError } from "./answers";
import { endpointOrigin, type ProxmoxEndpoint, tokenUser } from "./endpoint";
import { ProxmoxError, isProxmoxFault } from "./errors";
import { isCertificateRefusal, trustedCertificates } from "../trust";

/** A parameter of the API; a list is sent as the same name several times, `undefined` not at all. */
export type ProxmoxValue =
  string | number | boolean | readonly string[] | undefined;
export type ProxmoxParameters = Readonly<Record<string, ProxmoxValue>>;

export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  /** For the request with all its repetitions. Default 30. */
  readonly timeoutSeconds?: number | undefined;
}

export type Method = "GET" | "POST" | "PUT" | "DELETE";

const DEFAULT_TIMEOUT_SECONDS = 30;
/** Pauses before a GET is tried again that got no answer. */
const RETRY_PAUSES_MILLISECONDS = [250, 1000];
/** More connections than this to one server bring nothing. */
const MAX_SOCKETS = 8;

/** HTTPS to one server, bounded. Knows how Proxmox VE says no, and nothing of what it is asked. */
export class ProxmoxTransport {
  /** Such as `https://pve:8006`. */
  readonly server: string;
  /** Whose token it is, `USER@REALM!TOKENID`. */
  readonly user: string;
  private readonly agent: https.Agent;
  private readonly authorization: string;
  private readonly insecure: boolean;

  /** @throws Error if endpoint or token are none. */
  constructor({ endpoint, apiToken, insecure = false }: ProxmoxEndpoint) {
    this.server = endpointOrigin(endpoint);
    this.user = tokenUser(apiToken);
    this.authorization = `PVEAPIToken=${apiToken.trim()}`;
    this.insecure = insecure;
    this.agent = new https.Agent({
      keepAlive: true,
      maxSockets: MAX_SOCKETS,
      ...this.tlsOptions(),
    });
  }

  /** Ends the connections that are kept alive. */
  close(): void {
    this.agent.destroy();
  }

  /**
   * One request; the `data` of its answer. A GET that got no answer is tried again, anything else
   * never: it may have been carried out.
   */
  async request(
    method: Method,
    path: string,
    parameters: ProxmoxParameters,
    options: RequestOptions = {},
  ): Promise<unknown> {
    const { signal, timeoutSeconds = DEFAULT_TIMEOUT_SECONDS } = options;
    const what = `${method} ${path}`;
    const bound = AbortSignal.timeout(timeoutSeconds * 1000);
    const stop =
      signal === undefined ? bound : AbortSignal.any([signal, bound]);
    const pauses = method === "GET" ? [...RETRY_PAUSES_MILLISECONDS] : [];
    for (;;) {
      try {
        return await this.once(method, path, parameters, stop);
      } catch (error) {
        if (signal?.aborted) {
          throw new ProxmoxError("aborted", `${what} was stopped`);
        }
        if (bound.aborted) {
          throw new ProxmoxError(
            "timeout",
            `${what} at ${this.server} gave no answer within ${timeoutSeconds} s`,
          );
        }
        const pause = isProxmoxFault(error, "unreachable")
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
    path: string,
    parameters: ProxmoxParameters,
    signal: AbortSignal,
  ): Promise<unknown> {
    const form = encodeParameters(parameters);
    const inBody = method === "POST" || method === "PUT";
    const query = inBody || form === "" ? "" : `?${form}`;
    const { status, reason, body } = await this.send(
      method,
      `/api2/json/${path}${query}`,
      inBody ? form : undefined,
      signal,
    );
    const what = `${method} ${path}`;
    if (status < 200 || status > 299) {
      const asked = { what, server: this.server, user: this.user };
      throw proxmoxError(asked, { status, reason, body });
    }
    return dataOf(body, `${what} at ${this.server}`);
  }

  private send(
    method: Method,
    path: string,
    form: string | undefined,
    signal: AbortSignal,
  ): Promise<{ status: number; reason: string; body: string }> {
    return new Promise((resolve, reject) => {
      const fail = (error: NodeJS.ErrnoException) =>
        reject(this.explain(error));
      const request = https.request(
        `${this.server}${path}`,
        {
          method,
          signal,
          // A connection that was kept may be closed by the server just as it is used again. A GET is
          // then repeated; what must not be repeated gets a connection of its own.
          ...(method === "GET"
            ? { agent: this.agent }
            : { agent: false, ...this.tlsOptions() }),
          headers: {
            Accept: "application/json",
            Authorization: this.authorization,
            ...(form === undefined
              ? {}
              : {
                  "Content-Type": "application/x-www-form-urlencoded",
                  "Content-Length": Buffer.byteLength(form),
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
              reason: response.statusMessage ?? "",
              body: Buffer.concat(chunks).toString("utf8"),
            }),
          );
        },
      );
      request.on("error", fail);
      request.end(form);
    });
  }

  private tlsOptions(): https.AgentOptions {
    return this.insecure
      ? { rejectUnauthorized: false }
      : { ca: [...trustedCertificates()] };
  }

  private explain(error: NodeJS.ErrnoException): ProxmoxError {
    if (isCertificateRefusal(error.code)) {
      return new ProxmoxError(
        "certificate",
        `The certificate of ${this.server} is not trusted: ${error.message}`,
        { remedy: CERTIFICATE_REMEDY },
      );
    }
    const why =
      error.code === "ENOTFOUND" ? "its name is not known" : error.message;
    return new ProxmoxError(
      "unreachable",
      `Proxmox VE at ${this.server} cannot be reached: ${why}`,
      {
        remedy:
          "Check the address, and that pveproxy runs there and this machine may connect: " +
          `curl -k ${this.server}/api2/json/version`,
      },
    );
  }
}

const CERTIFICATE_REMEDY =
  "Give the server one that is (pvenode acme), or make this machine trust its authority: copy the " +
  "node's /etc/pve/pve-root-ca.pem and name it in NODE_EXTRA_CA_CERTS, or add it to the system's " +
  "certificates. insecure: true accepts any certificate, and with it any impostor";

/** A path's part, such as a task's id or a volume's, with its slashes. */
export function segment(text: string | number): string {
  return encodeURIComponent(text).replace(/!/g, "%21");
}

function encodeParameters(parameters: ProxmoxParameters): string {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const item of Array.isArray(value) ? (value as string[]) : [value]) {
      if (item !== undefined) {
        form.append(
          name,
          typeof item === "boolean" ? (item ? "1" : "0") : String(item),
        );
      }
    }
  }
  return form.toString();
}

function dataOf(body: string, what: string): unknown {
  try {
    return (JSON.parse(body) as { data?: unknown }).data;
  } catch {
    throw new ProxmoxError(
      "other",
      `${what} gave an answer that is not Proxmox VE's: is the address the one of its API?`,
    );
  }
}
