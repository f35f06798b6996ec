import { setMaxListeners } from "node:events";

import { CancelledError, TimeoutError } from "./errors";

/** How long a stopped operation may take to end by itself, and say where it stood. */
const graceMilliseconds = 2500;

export interface OperationBounds {
  /** What it is, for the error, for instance `create`. */
  readonly what: string;
  /** The engine's customTimeouts, in seconds; 0 is none. */
  readonly timeoutSeconds: number;
}

/** Runs operations so that each can be stopped: by a time-out, and all at once by a cancel. */
export class Operations {
  private readonly running = new Map<AbortController, Promise<unknown>>();
  private readonly unwinding = new Set<AbortController>();
  private cancelledFor: Error | undefined;

  constructor(private readonly grace = graceMilliseconds) {}

  get count(): number {
    return this.running.size;
  }

  /** Whether something is being taken back, which should be let come to its end. */
  get isUnwinding(): boolean {
    return this.unwinding.size > 0;
  }

  /**
   * Runs the work with a signal that aborts when it has to stop. The returned promise settles soon
   * after that, even if the work does not listen.
   */
  async run<T>(
    bounds: OperationBounds,
    work: (
      signal: AbortSignal,
      deadline: number | undefined,
      unwind: (seconds: number) => AbortSignal,
    ) => Promise<T>,
  ): Promise<T> {
    if (this.cancelledFor) {
      throw this.cancelledFor;
    }
    const controller = new AbortController();
    // An operation may wait for many things at once; Node takes more than ten for a leak.
    setMaxListeners(0, controller.signal);
    const milliseconds = bounds.timeoutSeconds * 1000;
    const timer =
      milliseconds > 0
        ? setTimeout(() => {
            const text = `${bounds.what} took longer than the ${bounds.timeoutSeconds} s that customTimeouts allows it`;
            controller.abort(new TimeoutError(text));
          }, milliseconds)
        : undefined;
    const deadline = milliseconds > 0 ? Date.now() + milliseconds : undefined;
    let unwindingUntil = 0;
    const unwind = (seconds: number) => {
      this.unwinding.add(controller);
      unwindingUntil = Date.now() + seconds * 1000;
      return AbortSignal.timeout(seconds * 1000);
    };
    const answer = this.boundedByAbort(
      work(controller.signal, deadline, unwind),
      controller.signal,
      () => unwindingUntil,
    );
    this.running.set(controller, answer);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
      this.running.delete(controller);
      this.unwinding.delete(controller);
    }
  }

  private boundedByAbort<T>(
    work: Promise<T>,
    signal: AbortSignal,
    unwindingUntil: () => number,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const wait = () => {
        timer = setTimeout(() => {
          if (Date.now() < unwindingUntil()) {
            wait();
          } else {
            reject(signal.reason as Error);
          }
        }, this.grace);
      };
      signal.addEventListener("abort", wait);
      work.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }

  /** Stops everything that runs and refuses what comes after. */
  cancelAll(reason: string): void {
    this.cancelledFor ??= new CancelledError(reason);
    for (const controller of this.running.keys()) {
      controller.abort(this.cancelledFor);
    }
  }

  /** Settles when nothing runs any more. */
  async idle(): Promise<void> {
    while (this.running.size > 0) {
      await Promise.allSettled(this.running.values());
    }
  }
}
