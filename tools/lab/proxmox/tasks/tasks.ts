import { messageOf } from "@corral-iac/corral/core/errors";
import type { Faults, TaskFault } from "../faults";
import type { TaskState } from "../state/model";
import type { Store } from "../state/store";
import { renderUpid } from "./upid";

/** What a task is about. */
export interface TaskSpec {
  readonly node: string;
  readonly type: string;
  readonly id: string | number;
  readonly user: string;
}

/** What a task does. Errors become its exit status. */
export interface Work {
  /** At once, before the caller has the task's id. */
  begin?(task: RunningTask): void;
  /** When the task's time is over. */
  finish(task: RunningTask): void | Promise<void>;
  /** Takes back what was done when the task failed. */
  undo?(): void | Promise<void>;
  /** The exit status for an error. Default: its text. */
  failure?(text: string): string;
}

export interface RunningTask {
  readonly upid: string;
  /** Aborted when the task is lost, as in a crash of its node. */
  readonly signal: AbortSignal;
  log(line: string): void;
  /** Adds a warning: the task's exit status counts them. */
  warn(text: string): void;
}

/** Runs tasks, and keeps their states in the books. */
export class Tasks {
  private readonly running = new Map<string, AbortController>();
  private readonly ends: Promise<void>[] = [];

  /** @param milliseconds how long a task of a type takes. */
  constructor(
    private readonly store: Store,
    private readonly faults: Faults,
    private readonly milliseconds: (type: string) => number,
  ) {}

  /** Starts a task and returns its id. */
  start(spec: TaskSpec, work: Work): string {
    const { state } = this.store;
    state.lastPid += 1;
    const startTime = Math.floor(Date.now() / 1000);
    const id = String(spec.id);
    const upid = renderUpid({
      ...spec,
      id,
      pid: state.lastPid,
      processStart: state.lastPid * 100,
      startTime,
    });
    state.tasks[upid] = {
      ...spec,
      upid,
      id,
      pid: state.lastPid,
      startTime,
      log: [],
    };
    const controller = new AbortController();
    this.running.set(upid, controller);
    let warnings = 0;
    const log = (line: string) => this.find(upid)?.log.push(line);
    const task: RunningTask = {
      upid,
      signal: controller.signal,
      log,
      warn: (text) => {
        warnings += 1;
        log(`WARN: ${text}`);
      },
    };
    const fault = this.faults.takeForTask(spec.type, id);
    // Synchronously, so that what it sets is there when the caller gets the id.
    let early: unknown;
    try {
      work.begin?.(task);
    } catch (error) {
      early = error;
    }
    this.store.save();
    const run = async () => {
      if (early !== undefined) {
        throw early;
      }
      await this.perform(work, task, spec.type, fault);
      return warnings === 0 ? "OK" : `WARNINGS: ${warnings}`;
    };
    this.ends.push(this.conclude(upid, run, work));
    return upid;
  }

  find(upid: string): TaskState | undefined {
    return this.store.state.tasks[upid];
  }

  /** Ends all running tasks as a crash of their node does: nothing is finished, nothing taken back. */
  lose(): void {
    for (const task of Object.values(this.store.state.tasks)) {
      if (task.exitStatus === undefined) {
        task.exitStatus = "unexpected status";
        task.endTime = Math.floor(Date.now() / 1000);
      }
      this.running.get(task.upid)?.abort();
    }
    this.running.clear();
    this.store.save();
  }

  /** Ends one task, as a user does. */
  stop(upid: string): void {
    this.running.get(upid)?.abort(new Error("interrupted by signal"));
  }

  /** Waits until nothing runs any more. */
  async settle(): Promise<void> {
    await Promise.all(this.ends);
  }

  private async perform(
    work: Work,
    task: RunningTask,
    type: string,
    fault: TaskFault | undefined,
  ): Promise<void> {
    await pause(this.milliseconds(type), task.signal);
    if (fault?.outcome === "hangs") {
      await pause(Infinity, task.signal);
    }
    if (fault?.outcome === "fails" && fault.effect !== "after") {
      throw new Error(fault.message ?? "simulated failure");
    }
    await work.finish(task);
    if (fault?.outcome === "fails") {
      throw new AfterEffect(fault.message ?? "simulated failure");
    }
    if (fault?.outcome === "warns") {
      task.warn(fault.message ?? "simulated warning");
    }
  }

  private async conclude(
    upid: string,
    run: () => Promise<string>,
    work: Work,
  ): Promise<void> {
    let exitStatus: string;
    try {
      exitStatus = await run();
    } catch (error) {
      if (!this.running.has(upid)) {
        return; // Lost: nobody is there to take anything back.
      }
      if (!(error instanceof AfterEffect)) {
        await work.undo?.();
      }
      const text = messageOf(error);
      exitStatus = work.failure?.(text) ?? text;
    }
    const task = this.find(upid);
    if (task === undefined || !this.running.delete(upid)) {
      return;
    }
    task.exitStatus = exitStatus;
    task.endTime = Math.floor(Date.now() / 1000);
    task.log.push(
      exitStatus === "OK" || exitStatus.startsWith("WARNINGS:")
        ? `TASK ${exitStatus}`
        : `TASK ERROR: ${exitStatus}`,
    );
    this.store.save();
  }
}

/** A task that failed although its work was done. */
class AfterEffect extends Error {}

/** Waits; an abort ends it with the abort's reason. */
export function pause(
  milliseconds: number,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer =
      milliseconds === Infinity
        ? undefined
        : setTimeout(() => {
            signal.removeEventListener("abort", fail);
            resolve();
          }, milliseconds);
    if (signal.aborted) {
      fail();
    } else {
      signal.addEventListener("abort", fail, { once: true });
    }
  });
}
