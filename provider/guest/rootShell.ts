import type { Writable } from "node:stream";

import { SshError } from "../ssh/errors";
import type { SshFault } from "../ssh/errors";
import { inputs } from "../ssh/exec";
import type { Input } from "../ssh/exec";
import type { SshPool } from "../ssh/pool";
import { wholeOrNothing } from "@corral-iac/corral/core/wholeOrNothing";

import { describeTarget } from "../ssh/target";
import type { SshTarget } from "../ssh/target";

/** A script that root runs in a guest. */
export interface RootScript {
  /** What it does, for errors: `mounting /srv`. */
  readonly what: string;
  /**
   * POSIX sh. Starts with `LC_ALL=C`, `umask 022` and the folders of system programs in PATH. It
   * reaches the guest on standard input, so no process list shows it.
   */
  readonly script: string;
  /** What the script finds on its standard input. */
  readonly data?: Input | readonly Input[];
  /** Gets what the script writes as it comes. */
  readonly onStdout?: (chunk: Buffer) => void;
  /** Takes what the script writes, instead of the result. */
  readonly stdoutTo?: Writable;
  readonly signal: AbortSignal;
  /** The script, and all that it started, is ended after this time. */
  readonly timeoutSeconds: number;
  /** Exit codes that the caller makes something of. Default: 0 alone. */
  readonly expectedCodes?: readonly number[];
}

export interface RootResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Why a script was not run to its end, or not well. */
export type RootShellFault =
  /** The guest could not be logged in to, or the connection broke off. */
  | "connection"
  /** The user may not act as root without a password. */
  | "root"
  | "timeout"
  | "aborted"
  /** The data could not be read on this side. */
  | "input"
  /** The script ended with a code that was not expected, or by a signal. */
  | "exit";

export class RootShellError extends Error {
  override readonly name = "RootShellError";
  constructor(
    readonly fault: RootShellFault,
    message: string,
    /** What ssh said, unless the script ran to an end. */
    readonly sshFault?: SshFault,
    /** How the script ended, if it did. */
    readonly ended?: {
      readonly code: number | undefined;
      readonly stderr: string;
    },
  ) {
    super(message);
  }
}

/** A look that saw nothing: the guest is off, in a network that is not reached, or another one. */
export function isOutOfReach(error: unknown): error is RootShellError {
  return error instanceof RootShellError && error.fault === "connection";
}

/** Nobody answers, or somebody else: not where the guest itself refuses us. */
export function isGone(error: unknown): error is RootShellError {
  return (
    isOutOfReach(error) &&
    ["refused", "unreachable", "timeout", "hostKey"].includes(
      error.sshFault ?? "",
    )
  );
}

/** More of what a script wrote to standard error is not shown. */
const shownLines = 10;

const prelude =
  "LC_ALL=C; PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin; export LC_ALL PATH; umask 022\n";

/** Runs scripts as root in one guest, over the connection that all operations on it share. */
export class RootShell {
  constructor(
    private readonly pool: Pick<SshPool, "use">,
    private readonly target: SshTarget,
  ) {}

  /** The guest, for messages: `user@host:port`. */
  get where(): string {
    return describeTarget(this.target);
  }

  /** Runs the script. Every failure is a {@link RootShellError} that says what was done, and where. */
  async run(work: RootScript): Promise<RootResult> {
    const script = Buffer.from(wholeOrNothing(`${prelude}${work.script}`));
    const result = await this.pool
      .use(this.target, work.signal, (session) =>
        session.exec(runsFromInput(script.length), {
          signal: work.signal,
          timeoutSeconds: work.timeoutSeconds,
          sudo: this.target.user !== "root",
          stdin: [script, ...inputs(work.data)],
          ...(work.onStdout ? { onStdout: work.onStdout } : {}),
          ...(work.stdoutTo ? { stdoutTo: work.stdoutTo } : {}),
        }),
      )
      .catch((error: unknown) => {
        throw error instanceof SshError ? this.explain(work, error) : error;
      });
    const { code, exitSignal, stdout, stderr } = result;
    if (code === undefined || !(work.expectedCodes ?? [0]).includes(code)) {
      const how =
        code === undefined
          ? `ended by ${exitSignal ?? "a signal"}`
          : `exit code ${code}`;
      throw new RootShellError(
        "exit",
        `${this.failed(work)}: ${how}${lastLines(stderr)}`,
        undefined,
        { code, stderr },
      );
    }
    return { code, stdout, stderr };
  }

  private explain(work: RootScript, error: SshError): RootShellError {
    const { user } = this.target;
    switch (error.fault) {
      case "root":
        return new RootShellError(
          "root",
          `${this.failed(work)}: ${user} may not act as root: ${error.message}. ` +
            `Allow it by a line "${user} ALL=(ALL) NOPASSWD:ALL" in /etc/sudoers.d (in cloudInit: ` +
            "sudo: true for the user), or log in as root.",
          error.fault,
        );
      case "timeout":
      case "aborted":
      case "input":
        // Standard output may hold a secret; what a command says of its work is on the other one.
        return new RootShellError(
          error.fault,
          `${this.failed(work)}: ${error.message}${lastLines(error.stderr)}`,
          error.fault,
        );
      default:
        return new RootShellError(
          "connection",
          `${this.failed(work)}: ${error.message}`,
          error.fault,
        );
    }
  }

  private failed({ what }: RootScript): string {
    return `${what} failed on ${this.where}`;
  }
}

/**
 * The only command line that a process list shows: it takes the script from the input, to the byte,
 * and leaves the rest to it.
 */
function runsFromInput(bytes: number): string {
  return (
    `script=$(dd bs=${bytes} count=1 iflag=fullblock 2>/dev/null) || ` +
    '{ echo "dd cannot read the script" >&2; exit 126; }\neval "$script"'
  );
}

function lastLines(stderr: string): string {
  const lines = stderr.trim().split("\n");
  const cut = lines.length > shownLines ? ["..."] : [];
  return stderr.trim() === ""
    ? ""
    : `\n${[...cut, ...lines.slice(-shownLines)].map((line) => `  ${line}`).join("\n")}`;
}
