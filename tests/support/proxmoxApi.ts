import * as https from "node:https";
import type { ProxmoxSimulator } from "@corral-iac/tools/lab/proxmox/index";

/** An answer of the API as it came over the wire. */
export interface ApiAnswer {
  readonly status: number;
  /** The reason phrase. */
  readonly reason: string;
  readonly data: unknown;
  readonly message?: string;
  readonly errors?: Readonly<Record<string, string>>;
}

type Parameters = Readonly<
  Record<string, string | number | boolean | readonly string[]>
>;

/** Calls the API with a client of the tests' own, which knows nothing of Corral's. */
export class ProxmoxApi {
  private readonly agent: https.Agent;

  /** @param token default: the first, which may do everything; empty: none. */
  constructor(
    private readonly proxmox: Pick<
      ProxmoxSimulator,
      "endpoint" | "apiToken" | "caCertificate"
    >,
    private readonly token: string = proxmox.apiToken,
  ) {
    // The certificate is checked: a client may pin it.
    this.agent = new https.Agent({
      ca: proxmox.caCertificate,
      keepAlive: true,
    });
  }

  close(): void {
    this.agent.destroy();
  }

  /** @throws when the connection breaks. */
  async call(
    method: string,
    path: string,
    parameters: Parameters = {},
  ): Promise<ApiAnswer> {
    const form = new URLSearchParams();
    for (const [name, value] of Object.entries(parameters)) {
      for (const one of Array.isArray(value) ? value : [value]) {
        form.append(name, typeof one === "boolean" ? (one ? "1" : "0") : one);
      }
    }
    const inBody = method === "POST" || method === "PUT";
    const query = inBody || form.size === 0 ? "" : `?${form.toString()}`;
    return this.send(method, `${path}${query}`, inBody ? form.toString() : "");
  }

  /** The data of an answer. @throws when it is an error. */
  async data<T = unknown>(
    method: string,
    path: string,
    parameters?: Parameters,
  ): Promise<T> {
    const answer = await this.call(method, path, parameters);
    if (answer.status !== 200) {
      throw new Error(
        `${method} ${path}: ${answer.status} ${answer.reason} ${JSON.stringify(answer.errors ?? {})}`,
      );
    }
    return answer.data as T;
  }

  /** Starts a task, waits for it and returns its exit status. */
  async task(
    method: string,
    path: string,
    parameters?: Parameters,
  ): Promise<string> {
    return this.exitStatus(await this.data<string>(method, path, parameters));
  }

  /** Waits for a task. */
  async exitStatus(upid: string): Promise<string> {
    const node = upid.split(":")[1];
    for (;;) {
      const { status, exitstatus } = await this.data<{
        status: string;
        exitstatus?: string;
      }>("GET", `/nodes/${node}/tasks/${encodeURIComponent(upid)}/status`);
      if (status === "stopped") {
        return exitstatus ?? "";
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  private send(method: string, path: string, body: string): Promise<ApiAnswer> {
    return new Promise((resolve, reject) => {
      const request = https.request(
        `${this.proxmox.endpoint}/api2/json${path}`,
        {
          method,
          agent: this.agent,
          headers: {
            ...(this.token === ""
              ? {}
              : { authorization: `PVEAPIToken=${this.token}` }),
            ...(body === ""
              ? {}
              : { "content-type": "application/x-www-form-urlencoded" }),
          },
        },
        (response) => {
          let text = "";
          response.setEncoding("utf8");
          response.on("data", (part: string) => (text += part));
          response.on("error", reject);
          response.on("end", () => {
            resolve({
              status: response.statusCode ?? 0,
              reason: response.statusMessage ?? "",
              ...(JSON.parse(text) as Pick<ApiAnswer, "data">),
            });
          });
        },
      );
      request.on("error", reject);
      request.end(body);
    });
  }
}
