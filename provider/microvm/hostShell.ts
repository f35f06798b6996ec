import type { Writable } from "node:stream";

import {
  Answer,
  FUNCTIONS,
  REFUSED,
  stampOf,
  TAKEN,
} from "@corral-iac/corral/core/microvm/scripts/hostScript";
import { describeOwner } from "@corral-iac/corral/core/stamp";
import type { OwnershipStamp } from "@corral-iac/corral/core/stamp";

import { PartialFailure } from "../frame/errors";
import type { Connection } from "../guest/connectionFields";
import { isGone, RootShell } from "../guest/rootShell";
import type { Input } from "../ssh/exec";
import { sshPool } from "../ssh/shared";

/** A step on a host: one script that does it whole, and can be run again wherever it was cut off. */
export interface HostStep {
  /** What it does, for errors: `leasing an address for web`. */
  readonly what: string;
  /** POSIX sh behind {@link FUNCTIONS}; what it prints are lines of a word and a value. */
  readonly script: string;
  /** What the script finds on its standard input. */
  readonly data?: Input;
  /** Takes all that the script prints, which then is no answer. */
  readonly stdoutTo?: Writable;
  readonly timeoutSeconds: number;
}

/** Every answer says which host has given it. */
const TELL_HOST = 'printf "host %s\\n" "$(cat /etc/machine-id 2>/dev/null)"\n';

/** The host has said no. */
export class HostRefusal extends Error {
  override readonly name = "HostRefusal";
  constructor(
    message: string,
    /** Whether something was changed before: the script has said `begun yes`. */
    readonly hasBegun: boolean,
  ) {
    super(message);
  }
}

/** Somebody else has what is wanted; nothing was changed. */
export class TakenError extends Error {
  override readonly name = "TakenError";
  constructor(
    readonly owner: OwnershipStamp | undefined,
    where: string,
    what: string,
  ) {
    const whose = owner
      ? `belongs to ${describeOwner(owner)}`
      : "was not made by Corral";
    super(
      `${what} failed on ${where}: what it would make is there already and ${whose}`,
    );
  }
}

/**
 * What a step's failure means for the resource that it makes: a partial one, so that the state knows
 * what may be there. The error itself where nothing was done: the host was not reached, or refused.
 */
export function asPartialFailure(
  error: unknown,
  id: string,
  made: object,
): unknown {
  const nothingDone =
    error instanceof TakenError ||
    (error instanceof HostRefusal && !error.hasBegun) ||
    isGone(error);
  return nothingDone || !(error instanceof Error)
    ? error
    : new PartialFailure(id, made, [error.message]);
}

/** Runs the steps of microVMs on their host, as root, over the one connection to it. */
export class HostShell {
  private readonly shell: RootShell;

  constructor(
    connection: Connection,
    private readonly signal: AbortSignal,
  ) {
    this.shell = new RootShell(sshPool(), connection);
  }

  /** The host, for messages: `user@host:port`. */
  get where(): string {
    return this.shell.where;
  }

  /**
   * @throws TakenError with nothing changed; HostRefusal; a RootShellError when it is not known how
   *   far the script came.
   */
  async run(step: HostStep): Promise<Answer> {
    const { code, stdout, stderr } = await this.shell.run({
      what: step.what,
      script: `${FUNCTIONS}\n${step.stdoutTo === undefined ? TELL_HOST : ""}${step.script}`,
      ...(step.data === undefined ? {} : { data: step.data }),
      ...(step.stdoutTo === undefined ? {} : { stdoutTo: step.stdoutTo }),
      signal: this.signal,
      timeoutSeconds: step.timeoutSeconds,
      expectedCodes: [0, REFUSED, TAKEN],
    });
    if (code === REFUSED) {
      throw new HostRefusal(
        `${step.what} failed on ${this.where}: ${stderr.trim().split("\n").at(-1) ?? ""}`,
        new Answer(stdout).get("begun") === "yes",
      );
    }
    if (code === TAKEN) {
      throw new TakenError(stampOf(stdout), this.where, step.what);
    }
    return new Answer(stdout);
  }
}
