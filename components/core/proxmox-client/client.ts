import type { RequestBounds } from "../boundedHttps";
import { setTimeout as delay } from "node:timers/promises";
import type { ProxmoxEndpoint } from "./endpoint";
import { ProxmoxError, isProxmoxFault } from "./errors";
import {
  logLines,
  parseUpid,
  type TaskLogLine,
  taskOutcome,
  warningLines,
} from "./tasks";
import { ProxmoxTransport, type ProxmoxParameters, segment } from "./transport";

export interface TaskProgress {
  /** Since the wait began. */
  readonly seconds: number;
  /** What the task wrote last; empty: nothing yet. */
  readonly lastLine: string;
}

export interface TaskOptions {
  readonly signal?: AbortSignal | undefined;
  /** Longest time to wait, in seconds. Default 600. */
  readonly timeoutSeconds?: number | undefined;
  /** Called about every five seconds. */
  readonly onProgress?: ((progress: TaskProgress) => void) | undefined;
}

const TASK_TIMEOUT_SECONDS = 600;
const FIRST_POLL_MILLISECONDS = 200;
const LONGEST_POLL_MILLISECONDS = 1000;
const PROGRESS_MILLISECONDS = 5000;
/** For so long a server that was restarted, or has not noted the task yet, may know nothing of it. */
const SILENCE_MILLISECONDS = 60_000;
const LOG_LINES_SHOWN = 10;

/**
 * The API of a Proxmox VE server (https://pve.proxmox.com/pve-docs/api-viewer), asked with one token.
 * Every call is bounded and can be stopped.
 */
export class ProxmoxClient {
  private readonly transport: ProxmoxTransport;

  /** @throws Error if endpoint or token are none. */
  constructor(endpoint: ProxmoxEndpoint) {
    this.transport = new ProxmoxTransport(endpoint);
  }

  /** The server, such as `https://pve:8006`. */
  get server(): string {
    return this.transport.server;
  }

  /** Whose token is used, `USER@REALM!TOKENID`. */
  get user(): string {
    return this.transport.user;
  }

  /** @param path below `/api2/json/`, its parts encoded by {@link segment}. */
  async get<T>(
    path: string,
    parameters: ProxmoxParameters = {},
    options?: RequestBounds,
  ): Promise<T> {
    return (await this.transport.request(
      "GET",
      path,
      parameters,
      options,
    )) as T;
  }

  async post<T>(
    path: string,
    parameters: ProxmoxParameters = {},
    options?: RequestBounds,
  ): Promise<T> {
    return (await this.transport.request(
      "POST",
      path,
      parameters,
      options,
    )) as T;
  }

  async put<T>(
    path: string,
    parameters: ProxmoxParameters = {},
    options?: RequestBounds,
  ): Promise<T> {
    return (await this.transport.request(
      "PUT",
      path,
      parameters,
      options,
    )) as T;
  }

  async delete<T>(
    path: string,
    parameters: ProxmoxParameters = {},
    options?: RequestBounds,
  ): Promise<T> {
    return (await this.transport.request(
      "DELETE",
      path,
      parameters,
      options,
    )) as T;
  }

  /**
   * Waits until a task of the server has ended; what it warned of. A server that is restarted
   * meanwhile is waited for. Giving up does not stop the task.
   *
   * @throws ProxmoxError `task` when it failed, with the end of its log.
   */
  async waitForTask(
    upid: string,
    options: TaskOptions = {},
  ): Promise<string[]> {
    const {
      signal,
      timeoutSeconds = TASK_TIMEOUT_SECONDS,
      onProgress,
    } = options;
    const start = Date.now();
    let answered = start;
    let reported = start;
    let pause = FIRST_POLL_MILLISECONDS;
    for (;;) {
      const status = await this.taskStatus(upid, signal).catch(
        (error: unknown) => {
          const unsure = isProxmoxFault(
            error,
            "unreachable",
            "timeout",
            "parameter",
            "notFound",
          );
          if (!unsure || Date.now() - answered > SILENCE_MILLISECONDS) {
            throw error;
          }
          return undefined;
        },
      );
      answered = status === undefined ? answered : Date.now();
      if (status?.status === "stopped") {
        return this.judge(upid, status.exitstatus, signal);
      }
      const milliseconds = Date.now() - start;
      if (milliseconds >= timeoutSeconds * 1000) {
        throw new ProxmoxError(
          "timeout",
          `${describeTask(upid)} at ${this.server} did not end within ${timeoutSeconds} s; it goes on there`,
        );
      }
      if (onProgress && Date.now() - reported >= PROGRESS_MILLISECONDS) {
        reported = Date.now();
        const log = await this.taskLog(upid, signal).catch(() => []);
        const seconds = Math.round(milliseconds / 1000);
        onProgress({ seconds, lastLine: logLines(log).at(-1) ?? "" });
      }
      await delay(pause, undefined, { signal }).catch(() => undefined);
      if (signal?.aborted) {
        throw new ProxmoxError(
          "aborted",
          `the wait for ${describeTask(upid)} was stopped; it goes on at ${this.server}`,
        );
      }
      pause = Math.min(pause * 1.5, LONGEST_POLL_MILLISECONDS);
    }
  }

  /** A task's whole log, as far as it is of a bearable length. */
  taskLog(upid: string, signal?: AbortSignal): Promise<TaskLogLine[]> {
    return this.get(`${taskPath(upid)}/log`, { limit: 5000 }, { signal });
  }

  private taskStatus(
    upid: string,
    signal: AbortSignal | undefined,
  ): Promise<{ status: string; exitstatus?: string }> {
    return this.get(`${taskPath(upid)}/status`, {}, { signal });
  }

  private async judge(
    upid: string,
    exitStatus: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<string[]> {
    const outcome = taskOutcome(exitStatus);
    if (outcome === "ok") {
      return [];
    }
    const log = await this.taskLog(upid, signal).catch(() => []);
    if (outcome === "warnings") {
      return warningLines(log);
    }
    const end = logLines(log)
      .slice(-LOG_LINES_SHOWN)
      .map((line) => `\n  | ${line}`);
    const why = exitStatus ?? "no reason given";
    throw new ProxmoxError(
      "task",
      `${describeTask(upid)} at ${this.server} failed: ${why}` +
        (end.length > 0 ? `\nThe end of its log:${end.join("")}` : ""),
      { said: why },
    );
  }

  /** Ends the connections that are kept alive; it can be used on. */
  close(): void {
    this.transport.close();
  }
}

/** A task in words: `task qmclone of 9000 on node pve`. */
export function describeTask(upid: string): string {
  const parsed = parseUpid(upid);
  return parsed === undefined
    ? `task ${upid}`
    : `task ${parsed.type}${parsed.id && ` of ${parsed.id}`} on node ${parsed.node}`;
}

function taskPath(upid: string): string {
  return `nodes/${segment(parseUpid(upid)?.node ?? "localhost")}/tasks/${segment(upid)}`;
}
