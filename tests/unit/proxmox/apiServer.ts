import * as https from "node:https";
import { listenOnLoopback } from "@corral-iac/tools/lab/loopback";
import { CERTIFICATE, KEY } from "../shared/certificate";

/** What the server is asked. */
export interface Asked {
  readonly method: string;
  /** Below `/api2/json/`, decoded. */
  readonly path: string;
  /** Of the query and of the form together. */
  readonly parameters: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** A status other than 200, with Proxmox VE's words. */
export interface Refusal {
  readonly status: number;
  /** The reason phrase, where it says more than the body. */
  readonly reason?: string;
  readonly message?: string;
  readonly errors?: Readonly<Record<string, string>>;
}

/** What is answered: `{ data }`, a refusal, text as it is, or `reset` for a connection that breaks. */
export type Answer =
  { readonly data: unknown } | Refusal | { readonly text: string } | "reset";

/** An HTTPS server that answers like Proxmox VE's API, by a function. */
export class ApiServer {
  readonly asked: Asked[] = [];

  private constructor(
    private readonly server: https.Server,
    readonly endpoint: string,
  ) {}

  static async start(
    answer: (asked: Asked) => Answer | Promise<Answer>,
  ): Promise<ApiServer> {
    const server = https.createServer({ key: KEY, cert: CERTIFICATE });
    const port = await listenOnLoopback(server);
    const api = new ApiServer(server, `https://127.0.0.1:${port}`);
    server.on("request", (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const url = new URL(request.url ?? "", api.endpoint);
        const form = Buffer.concat(chunks).toString("utf8");
        const asked = {
          method: request.method ?? "",
          path: decodeURIComponent(url.pathname.replace(/^\/api2\/json\//, "")),
          parameters: new URLSearchParams(form === "" ? url.search : form),
          headers: request.headers,
        };
        api.asked.push(asked);
        void Promise.resolve(answer(asked)).then((said) => {
          if (said === "reset") {
            request.socket.destroy();
          } else if ("text" in said) {
            response.writeHead(200).end(said.text);
          } else if ("data" in said) {
            response.writeHead(200).end(JSON.stringify(said));
          } else {
            const { status, reason, message, errors } = said;
            const body = { data: null, message, errors };
            response
              .writeHead(status, reason ?? message?.trim())
              .end(JSON.stringify(body));
          }
        });
      });
    });
    return api;
  }

  /** `METHOD path` of all requests so far. */
  get lines(): string[] {
    return this.asked.map(({ method, path }) => `${method} ${path}`);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** A token of the form that Proxmox VE demands. */
export const TOKEN = "corral@pve!test=11111111-2222-3333-4444-555555555555";
