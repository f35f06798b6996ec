import { createHash } from "node:crypto";
import type { Duplex } from "node:stream";

import type { KubeClient } from "@corral-iac/corral/core/kube-client/client";
import type { ClientOptions } from "ws";

import { SshError } from "../ssh/errors";
import type { Tunnel } from "../ssh/target";

/** The protocol of KubeVirt's streams. */
const PROTOCOL = "plain.kubevirt.io";

/** A machine's port, as KubeVirt's API leads to it. */
export interface ForwardedPort {
  readonly namespace: string;
  readonly machine: string;
  readonly port: number;
}

/**
 * A way to a machine's port through the Kubernetes API
 * (https://kubevirt.io/user-guide/user_workloads/accessing_virtual_machines/#accessing-a-service-running-on-a-vm),
 * for whoever has no route to the addresses of pods.
 */
export function portForward(client: KubeClient, to: ForwardedPort): Tunnel {
  const { namespace, machine, port } = to;
  const path = `/apis/subresources.kubevirt.io/v1/namespaces/${namespace}/virtualmachineinstances/${machine}/portforward/${port}/tcp`;
  return {
    key: createHash("sha256").update(`${client.server}${path}`).digest("hex"),
    through: `the Kubernetes API at ${client.server}`,
    async open(signal, timeoutSeconds) {
      const { server, headers, tls } = await client.streamAccess(signal);
      // Loaded when it is needed: most runs of the plugin never are.
      const { WebSocket, createWebSocketStream } = await import("ws");
      const url = `${server.replace(/^https/, "wss")}${path}`;
      const options: ClientOptions = {
        ...tls,
        headers,
        handshakeTimeout: timeoutSeconds * 1000,
        perMessageDeflate: false,
      };
      const socket = new WebSocket(url, PROTOCOL, options);
      return new Promise<Duplex>((resolve, reject) => {
        const fail = (error: SshError) => {
          signal.removeEventListener("abort", onAbort);
          socket.on("error", () => undefined).terminate();
          reject(error);
        };
        const onAbort = () => fail(new SshError("aborted", "stopped"));
        signal.addEventListener("abort", onAbort);
        socket.once("error", (error) =>
          fail(new SshError("unreachable", error.message)),
        );
        socket.once("unexpected-response", (_request, response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("end", () => {
            const said = wordsOf(Buffer.concat(chunks).toString("utf8"));
            const status = response.statusCode ?? 0;
            fail(
              new SshError(
                "unreachable",
                status === 403
                  ? `port-forward to ${namespace}/${machine} is forbidden: ${said}. The kubeconfig's user needs the verb get on virtualmachineinstances/portforward of subresources.kubevirt.io`
                  : `port-forward to ${namespace}/${machine} failed (${status}): ${said}`,
              ),
            );
          });
        });
        socket.once("open", () => {
          signal.removeEventListener("abort", onAbort);
          resolve(createWebSocketStream(socket));
        });
      });
    },
  };
}

function wordsOf(body: string): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    if (typeof message === "string") {
      return message;
    }
  } catch {
    // Not a Status: its own words.
  }
  return body.trim().slice(0, 200);
}
