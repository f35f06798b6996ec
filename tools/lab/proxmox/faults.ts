import type { Method } from "./http/router";

/** What goes wrong with a request. */
export interface RequestFault {
  readonly on: "request";
  /** Default: any method. */
  readonly method?: Method;
  /** Matches the path below /api2/json: a pattern, or its end. */
  readonly path: RegExp | string;
  /** How often. Default 1; `Infinity` for always. */
  readonly times?: number;
  /** Whether the request does its work all the same. Default `before`: it does not. */
  readonly effect?: "before" | "after";
  /** An answer in its place, a cut connection, or none at all. */
  readonly answer: FaultAnswer | "reset" | "hang";
}

export interface FaultAnswer {
  readonly status: number;
  /** Reason phrase, in Proxmox's words. */
  readonly reason: string;
  /** What is wrong with which parameter. */
  readonly errors?: Readonly<Record<string, string>>;
}

/** What goes wrong with a task. */
export interface TaskFault {
  readonly on: "task";
  /** For instance `qmclone`, `qmstart`, `resize`. */
  readonly type: string;
  /** Default: any. */
  readonly vmId?: number;
  readonly times?: number;
  readonly outcome: "fails" | "hangs" | "warns";
  /** Exit status of a task that fails, text of a warning. */
  readonly message?: string;
  /** Whether a task that fails has done its work all the same. Default `before`: it has not. */
  readonly effect?: "before" | "after";
}

/** What goes wrong with a command over the node's ssh server: it fails with a message. */
export interface ShellFault {
  readonly on: "shell";
  /** Matches the script that is run, for instance `/tee .*web.yaml/`. */
  readonly script: RegExp;
  readonly times?: number;
  /** For instance `tee: /var/lib/vz/snippets/web.yaml: No space left on device`. */
  readonly message: string;
}

export type Fault = RequestFault | TaskFault | ShellFault;

/** Faults that wait for what they match. The first that matches is taken. */
export class Faults {
  private waiting: { readonly fault: Fault; left: number }[] = [];

  /** @returns removes it again. */
  add(fault: Fault): () => void {
    const entry = { fault, left: fault.times ?? 1 };
    this.waiting.push(entry);
    return () => {
      this.waiting = this.waiting.filter((one) => one !== entry);
    };
  }

  clear(): void {
    this.waiting = [];
  }

  /** Faults that did not happen yet, or not as often as they shall. */
  get pending(): readonly Fault[] {
    return this.waiting
      .filter(({ left }) => left !== Infinity)
      .map(({ fault }) => fault);
  }

  takeForRequest(method: string, path: string): RequestFault | undefined {
    return this.take(
      (fault): fault is RequestFault =>
        fault.on === "request" &&
        (fault.method ?? method) === method &&
        (typeof fault.path === "string"
          ? path.endsWith(fault.path)
          : fault.path.test(path)),
    );
  }

  takeForTask(type: string, id: string): TaskFault | undefined {
    return this.take(
      (fault): fault is TaskFault =>
        fault.on === "task" &&
        fault.type === type &&
        String(fault.vmId ?? id) === id,
    );
  }

  takeForShell(script: string): ShellFault | undefined {
    return this.take(
      (fault): fault is ShellFault =>
        fault.on === "shell" && fault.script.test(script),
    );
  }

  private take<T extends Fault>(
    matches: (fault: Fault) => fault is T,
  ): T | undefined {
    for (const entry of this.waiting) {
      if (matches(entry.fault)) {
        entry.left -= 1;
        this.waiting = this.waiting.filter(({ left }) => left > 0);
        return entry.fault;
      }
    }
    return undefined;
  }
}
