import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as https from "node:https";
import type * as http from "node:http";
import * as path from "node:path";
import type { Duplex } from "node:stream";
import { KubeClient } from "@corral-iac/corral/core/kube-client/client";
import {
  kubeAccess,
  type KubeWish,
} from "@corral-iac/corral/core/kube-client/kubeconfig";
import { stringify } from "yaml";
import { makeCertificates } from "../lab/kubevirt/certificates";
import { listenOnLoopback } from "../lab/loopback";

/** One request that a Kubernetes API got. */
export interface KubeRequest {
  readonly method: string;
  /** Who asked: Corral itself, or Pulumi's plugin for Kubernetes and whatever else. */
  readonly by: "corral" | "plugin";
}

/**
 * Stands between whoever is measured and a Kubernetes API, any one, and counts what is asked. Only who
 * has its kubeconfig gets through, with the rights of the kubeconfig behind it.
 */
export class KubeProxy {
  readonly requests: KubeRequest[] = [];
  private readonly token = randomBytes(24).toString("hex");
  private readonly agent = new https.Agent({ keepAlive: true });
  private readonly stopped = new AbortController();

  private constructor(
    private readonly server: https.Server,
    private readonly target: KubeClient,
    /** File of a kubeconfig that leads through it. */
    readonly kubeconfig: string,
  ) {}

  /** @param folder an empty one of its own, for the kubeconfig and the certificate. */
  static async start(wish: KubeWish, folder: string): Promise<KubeProxy> {
    const certificates = await makeCertificates(folder);
    const server = https.createServer({
      cert: fs.readFileSync(certificates.server.certificate),
      key: fs.readFileSync(certificates.server.key),
    });
    const target = new KubeClient(kubeAccess(wish));
    const file = path.join(folder, "kubeconfig");
    const proxy = new KubeProxy(server, target, file);
    server.on("request", (request, response) => {
      void proxy.pass(request, response);
    });
    server.on("upgrade", (request, socket, head) => {
      void proxy.passUpgrade(request, socket, head);
    });
    const port = await listenOnLoopback(server);
    const authority = fs.readFileSync(certificates.authority);
    fs.writeFileSync(
      file,
      stringify({
        apiVersion: "v1",
        kind: "Config",
        "current-context": "bench",
        clusters: [
          {
            name: "bench",
            cluster: {
              server: `https://127.0.0.1:${port}`,
              "certificate-authority-data": authority.toString("base64"),
            },
          },
        ],
        users: [{ name: "bench", user: { token: proxy.token } }],
        contexts: [
          { name: "bench", context: { cluster: "bench", user: "bench" } },
        ],
      }),
      { mode: 0o600 },
    );
    return proxy;
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    this.server.closeAllConnections();
    this.agent.destroy();
    this.target.close();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async pass(
    request: http.IncomingMessage,
    response: http.ServerResponse,
  ): Promise<void> {
    if (!this.isAllowed(request)) {
      response.writeHead(401).end();
      return;
    }
    this.count(request);
    const onward = await this.onward(request, this.agent);
    onward.on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  }

  private async passUpgrade(
    request: http.IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): Promise<void> {
    socket.on("error", () => socket.destroy());
    if (!this.isAllowed(request)) {
      socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n");
      return;
    }
    this.count(request);
    const onward = await this.onward(request, false);
    onward.on("upgrade", (answer, upstream, first) => {
      upstream.on("error", () => socket.destroy());
      socket.on("close", () => upstream.destroy());
      socket.write(statusLines(answer));
      socket.write(first);
      upstream.write(head);
      upstream.pipe(socket).pipe(upstream);
    });
    onward.on("response", (answer) => {
      socket.write(statusLines(answer));
      answer.pipe(socket);
    });
    onward.on("error", () => socket.destroy());
    onward.end();
  }

  private async onward(
    request: http.IncomingMessage,
    agent: https.Agent | false,
  ): Promise<http.ClientRequest> {
    const { server, headers, tls } = await this.target.streamAccess(
      this.stopped.signal,
    );
    const { authorization: _own, host: _host, ...others } = request.headers;
    return https.request(`${server}${request.url ?? "/"}`, {
      method: request.method,
      agent,
      ...tls,
      headers: { ...others, ...headers },
    });
  }

  private isAllowed({ headers }: http.IncomingMessage): boolean {
    return headers.authorization === `Bearer ${this.token}`;
  }

  private count({ method = "", headers }: http.IncomingMessage): void {
    this.requests.push({
      method,
      by: headers["user-agent"] === "corral" ? "corral" : "plugin",
    });
  }
}

function statusLines(answer: http.IncomingMessage): string {
  const lines = [`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage ?? ""}`];
  for (let index = 0; index < answer.rawHeaders.length; index += 2) {
    lines.push(`${answer.rawHeaders[index]}: ${answer.rawHeaders[index + 1]}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}
