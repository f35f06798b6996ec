import { once } from "node:events";
import { PassThrough } from "node:stream";

import type { RootShell } from "../rootShell";
import { guestScript } from "./script";

/** The guest could not do what it was told; it has taken back what was half done. */
export class GuestRefusal extends Error {
  override readonly name = "GuestRefusal";
  constructor(
    readonly reason: string,
    /** Which of the files it was about, if any. */
    readonly index: number | undefined,
  ) {
    super(reason);
  }
}

export interface DialogueOptions {
  /** For errors: `writing files`. */
  readonly what: string;
  /** Longest time without any progress. */
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
}

/** Exit codes of the script: it was told to end, it refused, its input ended. */
const ENDED = 0;
const REFUSED = 3;
const CUT_OFF = 4;
/** What a guest may take to put things in order when we stop; then its processes are ended. */
const ORDERLY_MS = 1500;
const ONE_WEEK_SECONDS = 7 * 24 * 3600;

/** Talks to the script in the guest: one command over one connection, however much there is to do. */
export async function converse<T>(
  shell: Pick<RootShell, "run">,
  options: DialogueOptions,
  talk: (dialogue: Dialogue) => Promise<T>,
): Promise<T> {
  const dialogue = new Dialogue(options);
  const run = shell
    .run({
      what: options.what,
      script: guestScript,
      data: [() => dialogue.input],
      onStdout: (chunk) => dialogue.hear(chunk),
      signal: dialogue.ended,
      timeoutSeconds: ONE_WEEK_SECONDS,
      expectedCodes: [ENDED, REFUSED, CUT_OFF],
    })
    .then(
      ({ code, stderr }) =>
        dialogue.over(
          new Error(
            `${options.what}: the guest's shell ended early, with code ${code}${stderr.trim() === "" ? "" : `: ${stderr.trim()}`}`,
          ),
        ),
      (error: Error) => dialogue.over(error),
    );
  try {
    const result = await talk(dialogue);
    dialogue.input.write("exit 0\n");
    return result;
  } finally {
    dialogue.input.end();
    await run;
    dialogue.stop();
  }
}

/** One running script: lines and bytes go there, lines come back. */
export class Dialogue {
  readonly input = new PassThrough({ highWaterMark: 1024 * 1024 });
  private readonly abort = new AbortController();
  private heard = "";
  private answer: string[] = [];
  private waiting:
    { resolve(lines: string[]): void; reject(error: Error): void } | undefined;
  private failure: Error | undefined;
  private idle: NodeJS.Timeout | undefined;
  private orderly: NodeJS.Timeout | undefined;

  constructor(private readonly options: DialogueOptions) {
    this.input.on("error", () => undefined);
    options.signal.addEventListener("abort", this.onAbort);
    if (options.signal.aborted) {
      this.onAbort();
    }
    this.progress();
  }

  /** Aborts when the script has to be ended by force. */
  get ended(): AbortSignal {
    return this.abort.signal;
  }

  /**
   * Has a line evaluated and waits for what it writes.
   *
   * @throws GuestRefusal when it cannot be done, RootShellError when the connection is lost.
   */
  async ask(...lines: readonly string[]): Promise<string[]> {
    this.throwIfOver();
    const answer = new Promise<string[]>((resolve, reject) => {
      this.waiting = { resolve, reject };
    });
    this.tell(...lines, "ok");
    return answer;
  }

  /** Has lines evaluated that write nothing unless they fail. */
  tell(...lines: readonly string[]): void {
    this.progress();
    this.input.write(`${lines.join("\n")}\n`);
  }

  /** Sends bytes that a line has announced, no faster than the guest takes them. */
  async send(bytes: Buffer): Promise<void> {
    this.throwIfOver();
    this.progress();
    if (!this.input.write(bytes)) {
      await Promise.race([
        once(this.input, "drain"),
        once(this.input, "close"),
      ]);
      this.throwIfOver();
    }
  }

  /** What the guest writes. */
  hear(chunk: Buffer): void {
    this.progress();
    const lines = (this.heard + chunk.toString("utf8")).split("\n");
    this.heard = lines.pop() ?? "";
    for (const line of lines) {
      const refusal = /^no (\d+|-) (.*)$/s.exec(line);
      if (refusal) {
        const index = refusal[1] === "-" ? undefined : Number(refusal[1]);
        this.over(new GuestRefusal(refusal[2]?.trim() ?? "", index));
      } else if (line === "ok") {
        this.waiting?.resolve(this.answer);
        this.waiting = undefined;
        this.answer = [];
      } else {
        this.answer.push(line);
      }
    }
  }

  /** Nothing comes any more; whoever waits gets the first reason. */
  over(reason: Error): void {
    this.failure ??= reason;
    this.waiting?.reject(this.failure);
    this.waiting = undefined;
    this.input.destroy();
  }

  stop(): void {
    clearTimeout(this.idle);
    clearTimeout(this.orderly);
    this.options.signal.removeEventListener("abort", this.onAbort);
  }

  private throwIfOver(): void {
    if (this.failure) {
      throw this.failure;
    }
  }

  /** The end of its input makes the script remove what is half done. */
  private readonly onAbort = () => {
    const { reason } = this.options.signal as { reason: unknown };
    this.failure ??= reason instanceof Error ? reason : new Error("stopped");
    this.input.end();
    this.waiting?.reject(this.failure);
    this.waiting = undefined;
    this.orderly = setTimeout(() => this.abort.abort(), ORDERLY_MS);
  };

  private progress(): void {
    const { what, timeoutSeconds } = this.options;
    clearTimeout(this.idle);
    this.idle = setTimeout(() => {
      this.failure ??= new Error(
        `${what}: no sign of progress for ${timeoutSeconds} s (timeoutSeconds)`,
      );
      this.abort.abort();
    }, timeoutSeconds * 1000);
  }
}
