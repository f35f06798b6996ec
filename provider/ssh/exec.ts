import { randomBytes } from "node:crypto";
import type { Readable, Writable } from "node:stream";

import { shellWord } from "@corral-iac/corral/core/shellWord";
import type { Client, ClientCallback, ClientChannel } from "ssh2";

import { SshError } from "./errors";

/**
 * Data for a command. A stream is opened when its turn comes, read as fast as the server takes it, and
 * destroyed when the command ends.
 */
export type Input = string | Buffer | (() => Readable);

export interface ExecOptions {
  readonly signal: AbortSignal;
  readonly timeoutSeconds: number;
  /** Written to the command's standard input. Secrets go here, never into the command. */
  readonly stdin?: Input | readonly Input[];
  /**
   * Runs the command as root by `sudo -n`, which never asks for a password. Refused: an SshError with
   * the fault `root`.
   */
  readonly sudo?: boolean;
  /** Gets what the command writes as it comes, for commands that one talks with. */
  readonly onStdout?: (chunk: Buffer) => void;
  /**
   * Takes what the command writes instead of the result, no faster than it can; it is ended with the
   * command, and destroyed where that fails.
   */
  readonly stdoutTo?: Writable;
  /** More output than this, in bytes, is cut off at the front (default 4 MiB). */
  readonly maxOutputBytes?: number;
}

export interface ExecResult {
  /** Exit code; `undefined` if a signal ended the command. */
  readonly code: number | undefined;
  /** For instance `SIGKILL`. */
  readonly exitSignal: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** How long a channel is asked for, and how often. */
const openMilliseconds = 30_000;
const reopenMilliseconds = 200;

/** How long the ending of a command on the server may take before it is given up. */
const endMilliseconds = 2000;

/**
 * Runs a shell command (POSIX sh) and collects what it writes. At a time-out or an abort the command
 * and all that it started are ended on the server, and the channel is closed.
 */
export function execOn(
  client: Client,
  command: string,
  options: ExecOptions,
): Promise<ExecResult> {
  return new RemoteCommand(client, command, options).run();
}

class RemoteCommand {
  private readonly nonce = randomBytes(6).toString("hex");
  private readonly stdout: Tail;
  private readonly stderr: Tail;
  private channel: ClientChannel | undefined;
  /** The part of the input that is being written. */
  private stream: Readable | undefined;
  /** The command's process group on the server, once it has told us. */
  private group: number | undefined;
  private tellGroup: () => void = () => undefined;

  constructor(
    private readonly client: Client,
    private readonly command: string,
    private readonly options: ExecOptions,
  ) {
    this.stdout = new Tail(options.maxOutputBytes);
    this.stderr = new Tail(options.maxOutputBytes);
  }

  run(): Promise<ExecResult> {
    const { signal, timeoutSeconds } = this.options;
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(new SshError("aborted", "stopped"));
        return;
      }
      let settled = false;
      const settle = (finish: () => void) => {
        if (!settled) {
          settled = true;
          clearTimeout(timer);
          signal.removeEventListener("abort", onAbort);
          this.client.removeListener("close", onClose);
          this.stream?.destroy();
          if (this.options.stdoutTo?.writableEnded === false) {
            this.options.stdoutTo.destroy();
          }
          finish();
        }
      };
      const stop = (error: SshError) =>
        settle(() => {
          void this.endOnServer().then(() => reject(error));
        });
      const fail = (error: SshError) => settle(() => reject(error));
      const onAbort = () => stop(new SshError("aborted", "stopped"));
      const onClose = () =>
        fail(new SshError("closed", "the connection was lost"));
      const timer = setTimeout(
        () =>
          stop(
            new SshError(
              "timeout",
              `the command took longer than ${timeoutSeconds} s`,
              this.written(),
            ),
          ),
        timeoutSeconds * 1000,
      );
      signal.addEventListener("abort", onAbort);
      this.client.once("close", onClose);
      this.open(
        () => settled,
        (error, channel) => {
          if (error) {
            fail(
              new SshError(
                "closed",
                `no command could be started: ${error.message}`,
              ),
            );
            return;
          }
          if (settled) {
            channel.close();
            return;
          }
          this.channel = channel;
          this.collect(channel, (code, exitSignal) => {
            const missing = code === undefined && exitSignal === undefined;
            if (missing) {
              fail(
                new SshError(
                  "closed",
                  "the connection was lost while the command ran",
                ),
              );
              return;
            }
            const stderr = this.written();
            if (this.options.sudo && this.group === undefined) {
              fail(new SshError("root", refusal(code, stderr)));
              return;
            }
            settle(() =>
              resolve({ code, exitSignal, stdout: this.stdout.text(), stderr }),
            );
          });
          channel.on("error", (failure: Error) =>
            fail(new SshError("closed", failure.message)),
          );
          this.feed(channel).catch((failure: Error) => {
            stop(new SshError("input", failure.message));
          });
        },
      );
    });
  }

  /**
   * Asks again where the server has no channel to give: it allows few (MaxSessions), and frees that of a
   * command that was ended a moment later.
   */
  private open(
    isSettled: () => boolean,
    opened: ClientCallback,
    began = Date.now(),
  ): void {
    this.client.exec(this.wrapped(), (error, channel) => {
      const isRefused =
        error?.message.includes("Channel open failure") === true;
      if (!isRefused || Date.now() - began > openMilliseconds) {
        opened(error, channel);
      } else if (!isSettled()) {
        setTimeout(
          () => this.open(isSettled, opened, began),
          reopenMilliseconds,
        );
      }
    });
  }

  private async feed(channel: ClientChannel): Promise<void> {
    for (const input of inputs(this.options.stdin)) {
      if (typeof input !== "function") {
        channel.write(input);
      } else if (!channel.destroyed) {
        this.stream = input();
        await pour(this.stream, channel);
      }
    }
    channel.end();
  }

  /**
   * The command, which first tells its process group on standard error: that of the session that sshd
   * made for it, or the one that sudo made. (sshd's own signals, which would be simpler, do not work
   * for root: sshd(8) refuses them without privilege separation.)
   */
  private wrapped(): string {
    const group =
      "{ read -r _ _ _ _ group _ </proc/$$/stat; } 2>/dev/null || group=$$";
    return this.shell(
      `${group}\necho "corral-${this.nonce} $group" >&2\n${this.command}`,
    );
  }

  /** A command line that runs the script, with the rights that were asked for. */
  private shell(script: string): string {
    // What sudo says is shown, so it has to be English.
    const sudo = this.options.sudo ? "env LC_ALL=C sudo -n " : "";
    return `exec ${sudo}/bin/sh -c ${shellWord(script)}`;
  }

  /** Standard error without what is ours. */
  private written(): string {
    return this.stderr.text().replace(this.marker, "");
  }

  private get marker(): RegExp {
    return new RegExp(`corral-${this.nonce} (\\d+)\\r?\\n`);
  }

  private collect(
    channel: ClientChannel,
    closed: (code: number | undefined, exitSignal: string | undefined) => void,
  ): void {
    let code: number | undefined;
    let exitSignal: string | undefined;
    channel.on("exit", (exitCode: number | null, name?: string) => {
      code = exitCode ?? undefined;
      exitSignal = name;
    });
    const { stdoutTo } = this.options;
    if (stdoutTo) {
      channel.pipe(stdoutTo);
      // Who has read enough takes no more; with the rest unread the channel would never close.
      stdoutTo.once("close", () => channel.resume());
    } else {
      channel.on("data", (chunk: Buffer) => {
        this.stdout.add(chunk);
        this.options.onStdout?.(chunk);
      });
    }
    channel.stderr.on("data", (chunk: Buffer) => {
      this.stderr.add(chunk);
      if (this.group === undefined) {
        const told = this.marker.exec(this.stderr.text())?.[1];
        this.group = told === undefined ? undefined : Number(told);
        this.tellGroup();
      }
    });
    channel.on("close", () => {
      this.tellGroup();
      closed(code, exitSignal);
    });
  }

  /** Ends the command's processes by a second command; never rejects, and is bounded. */
  private async endOnServer(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const bound = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, endMilliseconds);
    });
    await Promise.race([this.killGroup(), bound]);
    clearTimeout(timer);
    this.channel?.close();
  }

  private async killGroup(): Promise<void> {
    if (this.group === undefined) {
      await new Promise<void>((told) => {
        this.tellGroup = told;
      });
    }
    if (this.group === undefined) {
      return;
    }
    const group = -this.group;
    const kill = `kill -TERM ${group} && { sleep 0.3; kill -KILL ${group}; } 2>/dev/null`;
    await new Promise<void>((done) => {
      this.client.exec(this.shell(kill), (error, channel) => {
        if (error) {
          done();
          return;
        }
        channel.on("error", () => done()).on("close", () => done());
        channel.resume();
        channel.stderr.resume();
      });
    });
  }
}

/** Why there are no root rights; what sudo says of itself is `sudo: a password is required`. */
function refusal(code: number | undefined, stderr: string): string {
  return code === 127
    ? "sudo is not installed there"
    : `sudo does not allow it without a password (${stderr.trim().replace(/\s*\n\s*/g, "; ") || "it gave no reason"})`;
}

/** The parts of an input that may be a single one. */
export function inputs(given: ExecOptions["stdin"] = []): readonly Input[] {
  return typeof given === "string" ||
    typeof given === "function" ||
    Buffer.isBuffer(given)
    ? [given]
    : given;
}

/** Writes all of the stream, no faster than the other side takes it. */
function pour(stream: Readable, channel: ClientChannel): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.once("close", resolve).once("error", reject);
    stream.pipe(channel, { end: false });
  });
}

/** Keeps the last bytes of a stream. */
class Tail {
  private chunks: Buffer[] = [];
  private length = 0;
  constructor(private readonly limit = 4 * 1024 * 1024) {}

  add(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.length += chunk.length;
    while (this.length - (this.chunks[0]?.length ?? 0) >= this.limit) {
      this.length -= this.chunks.shift()?.length ?? 0;
    }
  }

  text(): string {
    const all = Buffer.concat(this.chunks);
    return all.subarray(Math.max(0, all.length - this.limit)).toString("utf8");
  }
}
