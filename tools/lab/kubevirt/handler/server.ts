import * as fs from "node:fs";
import * as https from "node:https";
import { messageOf } from "@corral-iac/corral/core/errors";

import type { Handler } from "./handler";

/** Files in PEM format. */
export interface ServerCertificates {
  readonly certificate: string;
  readonly key: string;
  /** Authority of the clients, which is virt-api alone. */
  readonly authority: string;
}

const instancePath =
  /^\/v1\/namespaces\/([^/]+)\/virtualmachineinstances\/([^/]+)\/([a-z]+)$/;

/** What virt-api asks a node's handler: about the guest, to freeze it, to pause it. */
export function serve(
  handler: Handler,
  files: ServerCertificates,
  port: number,
): https.Server {
  const read = (file: string) => fs.readFileSync(file);
  return https
    .createServer(
      {
        cert: read(files.certificate),
        key: read(files.key),
        ca: read(files.authority),
        requestCert: true,
        rejectUnauthorized: true,
      },
      (request, response) => {
        request.resume();
        answer(handler, request.url ?? "").then(
          ({ status, body }) => {
            response.writeHead(status, { "content-type": "application/json" });
            response.end(body === undefined ? "" : JSON.stringify(body));
          },
          (error: unknown) => {
            response.writeHead(500);
            response.end(messageOf(error));
          },
        );
      },
    )
    .listen(port, "127.0.0.1");
}

async function answer(
  handler: Handler,
  url: string,
): Promise<{ status: number; body?: unknown }> {
  const [, namespace = "", name = "", verb = ""] = instancePath.exec(url) ?? [];
  const instance = handler.find(namespace, name);
  if (instance === undefined) {
    return { status: 404 };
  }
  switch (verb) {
    case "freeze":
    case "unfreeze":
      await handler.setFrozen(instance, verb === "freeze");
      return { status: 202 };
    case "guestosinfo":
      return { status: 200, body: { os: instance.status?.guestOSInfo } };
    case "userlist":
    case "filesystemlist":
      return { status: 200, body: { items: [] } };
    default:
      // Never an answer that nobody thought about.
      return { status: 501 };
  }
}
