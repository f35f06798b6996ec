import type * as https from "node:https";
import {
  type Answered,
  askBounded,
  exchange,
  keptConnections,
  type RequestBounds,
  whyUnreached,
} from "../boundedHttps";
import { proxmoxError } from "./answers";
import { endpointOrigin, type ProxmoxEndpoint, tokenUser } from "./endpoint";
import { ProxmoxError, isProxmoxFault } from "./errors";
import { isCertificateRefusal, trustedCertificates } from "../trust";

/** A parameter of the API; a list is sent as the same name several times, `undefined` not at all. */
export type ProxmoxValue =
  string | number | boolean | readonly string[] | undefined;
export type ProxmoxParameters = Readonly<Record<string, ProxmoxValue>>;

export type Method = "GET" | "POST" | "PUT" | "DELETE";

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
    this.agent = keptConnections(this.tlsOptions());
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
    bounds: RequestBounds = {},
  ): Promise<unknown> {
    const what = `${method} ${path}`;
    return askBounded(
      method,
      bounds,
      (signal) => this.once(method, path, parameters, signal),
      {
        stopped: () => new ProxmoxError("aborted", `${what} was stopped`),
        unanswered: (timeoutSeconds) =>
          new ProxmoxError(
            "timeout",
            `${what} at ${this.server} gave no answer within ${timeoutSeconds} s`,
          ),
        isPassing: (error) => isProxmoxFault(error, "unreachable"),
      },
    );
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
  ): Promise<Answered> {
    return exchange({
      url: `${this.server}${path}`,
      method,
      headers: { Authorization: this.authorization },
      body:
        form === undefined
          ? undefined
          : { type: "application/x-www-form-urlencoded", text: form },
      agent: () => this.agent,
      tls: () => this.tlsOptions(),
      signal,
      explain: (error) => this.explain(error),
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
    return new ProxmoxError(
      "unreachable",
      `Proxmox VE at ${this.server} cannot be reached: ${whyUnreached(error)}`,
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
