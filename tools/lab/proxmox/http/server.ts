import type { IncomingMessage, ServerResponse } from "node:http";
import * as https from "node:https";
import type { Duplex } from "node:stream";
import { messageOf } from "@corral-iac/corral/core/errors";
import { listenOnLoopback } from "../../loopback";
import { authenticate } from "../access/authenticate";
import type { Cluster } from "../cluster";
import type { FaultAnswer, RequestFault } from "../faults";
import { ApiError } from "./apiError";
import { type Body, readRequest } from "./body";
import type { Certificate } from "./certificate";
import type { Parameters } from "./parameters";
import type { RequestLog } from "./requestLog";
import { Call, checkCall, checkPermissions, type Router } from "./router";

const root = "/api2/json";

/** What is sent back. */
interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly body: string;
}

/** Answers the API over HTTPS on 127.0.0.1. */
export class ApiServer {
  private server: https.Server | undefined;
  private readonly sockets = new Set<Duplex>();

  constructor(
    private readonly cluster: Cluster,
    private readonly router: Router,
    private readonly log: RequestLog,
    private readonly certificate: Certificate,
  ) {}

  /** @returns the port. */
  async listen(port: number): Promise<number> {
    const { key, certificate: cert } = this.certificate;
    const server = https.createServer({ key, cert }, (request, response) => {
      void this.answer(request, response);
    });
    server.on("connection", (socket) => {
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
    });
    const listening = await listenOnLoopback(server, port);
    this.server = server;
    return listening;
  }

  /** Closes the port and cuts all connections. */
  async close(): Promise<void> {
    const server = this.server;
    if (server === undefined) {
      return;
    }
    this.server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    this.sockets.forEach((socket) => socket.destroy());
    await closed;
  }

  private async answer(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const began = Date.now();
    const url = new URL(request.url ?? "/", "https://127.0.0.1");
    const method = request.method ?? "GET";
    const path = url.pathname.startsWith(`${root}/`)
      ? url.pathname.slice(root.length)
      : url.pathname;
    const fault = this.cluster.faults.takeForRequest(method, path);
    let user: string | undefined;
    let parameters: Parameters = {};
    const record = (status: number, reason: string) =>
      this.log.add({
        at: new Date(began).toISOString(),
        method,
        path,
        parameters,
        status,
        reason,
        ...(user === undefined ? {} : { user }),
        milliseconds: Date.now() - began,
      });
    try {
      const body = await readRequest(request, url.searchParams);
      parameters = body.parameters;
      const answer = await answerOr(async () => {
        if (fault !== undefined && fault.effect !== "after") {
          return undefined;
        }
        const caller = authenticate(request.headers, this.cluster.store.state);
        user = caller.user;
        return this.perform(method, path, body, caller);
      });
      const sent = fault === undefined ? answer : faulty(fault);
      if (sent === "hang") {
        record(0, "never answered");
        return;
      }
      if (sent === "reset") {
        record(0, "connection cut");
        request.socket.destroy();
        return;
      }
      record(sent.status, sent.reason);
      send(response, sent);
    } catch {
      record(0, "the client cut the connection");
      request.socket.destroy();
    }
  }

  private async perform(
    method: string,
    path: string,
    { parameters, files }: Body,
    caller: ReturnType<typeof authenticate>,
  ): Promise<unknown> {
    const { route, pathParameters } = this.router.find(method, path);
    const all = { ...parameters, ...pathParameters };
    checkPermissions(route, caller, all);
    checkNode(this.cluster, pathParameters.node);
    checkCall(route, all);
    return route.handle(new Call(this.cluster, caller, all, files));
  }
}

/** @throws ApiError as Proxmox's proxy answers for a node that it cannot reach. */
function checkNode(cluster: Cluster, node: string | undefined): void {
  if (node === undefined) {
    return;
  }
  const found = cluster.store.state.nodes[node];
  if (found === undefined) {
    throw new ApiError(
      500,
      `hostname lookup '${node}' failed - failed to get address info for: ${node}: Name or service not known`,
    );
  }
  if (!found.online) {
    throw new ApiError(595, "No route to host");
  }
}

/** The data as an answer, or the error that came in its place. */
async function answerOr(work: () => Promise<unknown>): Promise<Answer> {
  try {
    const data = (await work()) ?? null;
    return { status: 200, reason: "OK", body: JSON.stringify({ data }) };
  } catch (error) {
    if (error instanceof ApiError) {
      return errorAnswer(error.status, error.message, error.errors);
    }
    // A fault of the simulator itself must not look like one of Proxmox.
    const text = messageOf(error);
    return errorAnswer(500, `simulator: ${text}`);
  }
}

function errorAnswer(
  status: number,
  reason: string,
  errors: Readonly<Record<string, string>> = {},
): Answer {
  if (status === 401) {
    return { status, reason, body: '{"data":null}' };
  }
  const body = JSON.stringify({
    data: null,
    message: `${reason}\n`,
    ...(Object.keys(errors).length === 0 ? {} : { errors }),
  });
  return { status, reason, body };
}

function faulty({ answer }: RequestFault): Answer | "reset" | "hang" {
  return typeof answer === "string" ? answer : fromFault(answer);
}

function fromFault({ status, reason, errors }: FaultAnswer): Answer {
  return errorAnswer(status, reason, errors);
}

function send(
  response: ServerResponse,
  { status, reason, body }: Answer,
): void {
  // A reason phrase is one line of plain characters.
  const phrase = reason.split("\n")[0]?.replace(/[^\x20-\x7e]/g, "?") ?? "";
  response.writeHead(status, phrase, {
    "Content-Type": "application/json;charset=UTF-8",
    "Cache-Control": "max-age=0",
    Server: "pve-api-daemon/3.0",
    "Content-Length": Buffer.byteLength(body),
  });
  response.end(body);
}
