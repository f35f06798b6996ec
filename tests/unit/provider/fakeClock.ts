import type { Clock } from "@corral-iac/corral-ops/guest/wait";

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

class NothingSleeps extends Error {
  constructor() {
    super("the work waits for something that no time will bring");
  }
}

/** Time that only passes when everybody sleeps, so that hours of waiting take no time. */
export class FakeClock implements Clock {
  private time = 0;
  private sleepers: Sleeper[] = [];

  now(): number {
    return this.time;
  }

  sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted || milliseconds <= 0) {
        resolve();
        return;
      }
      const stop = () => {
        this.sleepers = this.sleepers.filter((other) => other !== sleeper);
        sleeper.wake();
      };
      const wake = () => {
        signal.removeEventListener("abort", stop);
        resolve();
      };
      const sleeper = { at: this.time + milliseconds, wake };
      this.sleepers.push(sleeper);
      signal.addEventListener("abort", stop);
    });
  }

  /** Lets time pass until the work is done. */
  async run<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const finish = () => {
      done = true;
    };
    work.then(finish, finish);
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (done) {
        return work;
      }
      const next = this.sleepers.sort((a, b) => a.at - b.at).shift();
      if (!next) {
        throw new NothingSleeps();
      }
      this.time = Math.max(this.time, next.at);
      next.wake();
    }
  }

  /** As {@link run}, for work that waits for an answer of a server as well: time stands still then. */
  async runWithServer<T>(work: Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await this.run(work);
      } catch (error) {
        if (!(error instanceof NothingSleeps)) {
          throw error;
        }
      }
    }
  }
}
