import * as https from "node:https";
import type { KubeClient } from "./client";
import { KubeError, kubeError } from "./errors";

/**
 * Reads a text that may go on for ever, such as the log of a container, and hands on each part of it as
 * it comes. Unbounded: `signal` ends it.
 *
 * @param path with its query, from the API's address on.
 * @param what is read, for errors.
 * @throws KubeError when it is refused.
 */
export async function streamText(
  client: KubeClient,
  path: string,
  what: string,
  write: (part: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { server, headers, tls } = await client.streamAccess(signal);
  await new Promise<void>((resolve, reject) => {
    const fail = (error: Error) =>
      reject(
        new KubeError(
          signal.aborted ? "aborted" : "unreachable",
          `${what} at ${server} was cut off: ${error.message}`,
        ),
      );
    const request = https.get(
      `${server}${path}`,
      { agent: false, headers: { ...headers }, ...tls, signal },
      (response) => {
        const status = response.statusCode ?? 0;
        let refusal = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          if (status === 200) {
            write(part);
          } else {
            refusal += part;
          }
        });
        response.on("error", fail);
        response.on("end", () =>
          status === 200
            ? resolve()
            : reject(kubeError({ what, server }, status, refusal)),
        );
      },
    );
    request.on("error", fail);
  });
}
