import * as http from "node:http";
import * as https from "node:https";
import { pipeline } from "node:stream";
import type { KubevirtLab } from "@corral-iac/tools/lab/kubevirt/index";
import {
  kubeconfigText,
  readKubeconfig,
} from "@corral-iac/tools/lab/kubevirt/api/kubeconfig";
import { listenOnLoopback } from "@corral-iac/tools/lab/loopback";
import { CERTIFICATE, KEY } from "../unit/shared/certificate";

/** A request that changes something. */
export interface Change {
  /** `corral-ops` or `kubernetes`: whose plugin asked. */
  readonly plugin: "corral-ops" | "kubernetes";
  /** `POST /api/v1/namespaces/web/secrets`, with `STAMP` for the stamp in names. */
  readonly line: string;
}

/** What becomes of an answer. */
export type Answer = "delivered" | "lost";

/**
 * Stands before the lab's API and passes on what it is asked. It notes the changes, and can act when the
 * API has carried one out and whoever asked does not know it yet.
 */
export class KubeProxy {
  readonly changes: Change[] = [];
  /** Called with each change that was carried out, before it is answered. */
  onChange: (change: Change) => Answer = () => "delivered";

  private constructor(
    private readonly server: https.Server,
    /** Text of the kubeconfig of whoever may do everything. */
    readonly kubeconfig: string,
  ) {}

  static async start(lab: KubevirtLab): Promise<KubeProxy> {
    const access = readKubeconfig(lab.kubeconfig);
    const agent = new https.Agent({ keepAlive: true, ca: access.authority });
    const server = https.createServer({ key: KEY, cert: CERTIFICATE });
    const port = await listenOnLoopback(server);
    const proxy = new KubeProxy(
      server,
      kubeconfigText({
        ...access,
        endpoint: `https://127.0.0.1:${port}`,
        authority: CERTIFICATE,
      }),
    );
    server.on("request", (request, response) =>
      proxy.pass(request, response, access.endpoint, agent),
    );
    server.on("close", () => agent.destroy());
    return proxy;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private pass(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    endpoint: string,
    agent: https.Agent,
  ): void {
    const { method = "GET", url = "/", headers } = request;
    const change = changeOf(method, url, headers["user-agent"] ?? "");
    const { host, ...passed } = headers;
    const onward = https.request(
      `${endpoint}${url}`,
      { method, agent, headers: passed },
      (answer) => {
        const status = answer.statusCode ?? 0;
        if (change !== undefined && status < 300) {
          this.changes.push(change);
          if (this.onChange(change) === "lost") {
            answer.destroy();
            response.destroy();
            return;
          }
        }
        response.writeHead(status, answer.headers);
        // A watch has no content for a while.
        response.flushHeaders();
        // What breaks on one side is broken on the other: a watch must not wait for ever.
        pipeline(answer, response, () => undefined);
      },
    );
    const broken = () => response.destroy();
    onward.on("error", broken);
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  }
}

function changeOf(
  method: string,
  url: string,
  userAgent: string,
): Change | undefined {
  const { pathname, searchParams } = new URL(url, "https://api.invalid");
  const isLook =
    method === "GET" ||
    searchParams.has("dryRun") ||
    /\/(selfsubject|localsubject|subject|token)[a-z]*reviews?$/.test(pathname);
  return isLook
    ? undefined
    : {
        plugin: /^corral\b/.test(userAgent) ? "corral-ops" : "kubernetes",
        line: `${method} ${pathname.replace(/[0-9a-f]{16}/g, "STAMP")}`,
      };
}
