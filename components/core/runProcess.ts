import { spawn } from "node:child_process";

export interface ProcessOptions {
  /** Ends the process, and all that it started, when it aborts. */
  readonly signal?: AbortSignal | undefined;
  readonly timeoutSeconds: number;
  readonly stdin?: string | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
}

export interface ProcessResult {
  /** `undefined` if a signal ended it. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** The program could not be run to its end. */
export class ProcessError extends Error {
  override readonly name = "ProcessError";
  constructor(
    readonly fault: "missing" | "timeout" | "aborted" | "failed",
    message: string,
  ) {
    super(message);
  }
}

/** From asking the processes to end to forcing them. */
const killAfterMilliseconds = 1000;

/**
 * Runs a program, bounded. It gets a process group of its own, so that a time-out or an abort ends
 * what it started as well. A non-zero exit code is a result, not an error.
 */
export function runProcess(
  program: string,
  args: readonly string[],
  options: ProcessOptions,
): Promise<ProcessResult> {
  return new Promise((resolve, reject) => {
    const { signal, timeoutSeconds } = options;
    if (signal?.aborted) {
      reject(
        new ProcessError("aborted", `${program} was not started: stopped`),
      );
      return;
    }
    const child = spawn(program, args, {
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
      ...(options.env ? { env: options.env } : {}),
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let force: NodeJS.Timeout | undefined;
    let stopped: ProcessError | undefined;
    const killGroup = (name: NodeJS.Signals) => {
      if (child.pid !== undefined) {
        try {
          process.kill(-child.pid, name);
        } catch {
          // Already gone.
        }
      }
    };
    const stop = (error: ProcessError) => {
      if (!stopped) {
        stopped = error;
        killGroup("SIGTERM");
        force = setTimeout(() => killGroup("SIGKILL"), killAfterMilliseconds);
        // What it left behind may hold the pipes open: do not wait for that.
        child.stdout.destroy();
        child.stderr.destroy();
      }
    };
    const onAbort = () =>
      stop(new ProcessError("aborted", `${program} was stopped`));
    const timer = setTimeout(
      () =>
        stop(
          new ProcessError(
            "timeout",
            `${program} took longer than ${timeoutSeconds} s`,
          ),
        ),
      timeoutSeconds * 1000,
    );
    signal?.addEventListener("abort", onAbort);
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      clearTimeout(force);
      signal?.removeEventListener("abort", onAbort);
      settle();
    };
    child.on("error", (error: NodeJS.ErrnoException) =>
      finish(() => {
        const missing = error.code === "ENOENT";
        const text = missing
          ? `${program} is not installed`
          : `${program}: ${error.message}`;
        reject(new ProcessError(missing ? "missing" : "failed", text));
      }),
    );
    child.on("close", (code) =>
      finish(() => {
        if (stopped) {
          reject(stopped);
          return;
        }
        resolve({
          code: code ?? undefined,
          stdout: Buffer.concat(stdout).toString("utf8"),
          stderr: Buffer.concat(stderr).toString("utf8"),
        });
      }),
    );
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.stdin ?? "");
  });
}
