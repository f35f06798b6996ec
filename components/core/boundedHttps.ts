import * as https from "node:https";
import { setTimeout as delay } from "node:timers/promises";

/** For how long an API is asked. */
export interface RequestBounds {
  readonly signal?: AbortSignal | undefined;
  /** For the request with all its repetitions. Default 30. */
  readonly timeoutSeconds?: number | undefined;
}

/** An API's own errors for what may come of a request. */
export interface RequestFaults {
  /** The caller has stopped it. */
  readonly stopped: () => Error;
  /** It has not come to an end in its time. */
  readonly unanswered: (timeoutSeconds: number) => Error;
  /** Whether an attempt failed so that the same request may still be answered. */
  readonly isPassing: (error: unknown) => boolean;
}

/** One request. */
export interface Exchange {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: { readonly type: string; readonly text: string } | undefined;
  /** The connections that are kept alive. */
  readonly agent: () => https.Agent;
  /** How a connection of the request's own is secured. */
  readonly tls: () => https.AgentOptions;
  readonly signal: AbortSignal;
  /** What it means that there was no answer. */
  readonly explain: (error: NodeJS.ErrnoException) => Error;
}

/** A whole answer. */
export interface Answered {
  readonly status: number;
  readonly reason: string;
  readonly body: string;
}

const DEFAULT_TIMEOUT_SECONDS = 30;
/** Pauses before a GET is tried again that got no answer. */
const RETRY_PAUSES_MILLISECONDS = [250, 1000];
/** More connections than this to one server bring nothing. */
const MAX_SOCKETS = 8;

/**
 * Asks, bounded. A GET that got no answer is tried again, anything else never: it may have been
 * carried out.
 */
export async function askBounded<T>(
  method: string,
  { signal, timeoutSeconds = DEFAULT_TIMEOUT_SECONDS }: RequestBounds,
  ask: (signal: AbortSignal) => Promise<T>,
  faults: RequestFaults,
): Promise<T> {
  const bound = AbortSignal.timeout(timeoutSeconds * 1000);
  const stop = signal === undefined ? bound : AbortSignal.any([signal, bound]);
  const pauses = method === "GET" ? [...RETRY_PAUSES_MILLISECONDS] : [];
  for (;;) {
    try {
      return await ask(stop);
    } catch (error) {
      if (signal?.aborted) {
        throw faults.stopped();
      }
      if (bound.aborted) {
        throw faults.unanswered(timeoutSeconds);
      }
      const pause = faults.isPassing(error) ? pauses.shift() : undefined;
      if (pause === undefined) {
        throw error;
      }
      await delay(pause, undefined, { signal: stop }).catch(() => undefined);
    }
  }
}

/** Sends a request and reads its answer, whatever its status. */
export function exchange({
  url,
  method,
  headers,
  body,
  agent,
  tls,
  signal,
  explain,
}: Exchange): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => reject(explain(error));
    const request = https.request(
      url,
      {
        method,
        signal,
        // A connection that was kept may be closed by the server just as it is used again. A GET is
        // then repeated; what must not be repeated gets a connection of its own.
        ...(method === "GET" ? { agent: agent() } : { agent: false, ...tls() }),
        headers: {
          Accept: "application/json",
          ...headers,
          ...(body && {
            "Content-Type": body.type,
            "Content-Length": Buffer.byteLength(body.text),
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
    request.end(body?.text);
  });
}

/** Connections to a server that are kept alive. */
export function keptConnections(tls: https.AgentOptions): https.Agent {
  return new https.Agent({ keepAlive: true, maxSockets: MAX_SOCKETS, ...tls });
}

/** Why a server was not reached, in words. */
export function whyUnreached({ code, message }: NodeJS.ErrnoException): string {
  return code === "ENOTFOUND" ? "its name is not known" : message;
}
