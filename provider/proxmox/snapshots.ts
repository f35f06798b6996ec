import type {
  ProxmoxClient,
  TaskProgress,
} from "@corral-iac/corral/core/proxmox-client/client";
import {
  isProxmoxFault,
  ProxmoxError,
} from "@corral-iac/corral/core/proxmox-client/errors";
import {
  findMachine,
  machinePath,
} from "@corral-iac/corral/core/proxmox-client/machines";
import type { MachineAddress } from "@corral-iac/corral/core/proxmox-client/machines";
import { segment } from "@corral-iac/corral/core/proxmox-client/transport";

import type { OperationContext } from "../frame/context";
import type { Clock } from "../guest/wait";
import { readDescription } from "./snapshotMark";
import type { SnapshotMark } from "./snapshotMark";

/** A machine's snapshot. */
export interface Snapshot {
  readonly name: string;
  /** What the user wrote. */
  readonly description: string;
  /** Missing where Corral did not make it, or somebody changed its description. */
  readonly mark: SnapshotMark | undefined;
  /** ISO 8601, UTC. */
  readonly takenAt: string;
}

/** How a snapshot is taken. */
export interface SnapshotRequest {
  readonly name: string;
  /** With the mark. */
  readonly description: string;
  readonly includeMemory: boolean;
}

/** What bounds the work on a machine, and hears of it. */
export interface SnapshotBounds {
  readonly ctx: Pick<OperationContext, "log" | "signal">;
  readonly timeoutSeconds: number;
  readonly clock: Clock;
}

const lockedMilliseconds = 2000;
const reportMilliseconds = 5000;

/** The snapshots of one machine, wherever in the cluster it is by now. */
export class MachineSnapshots {
  private readonly deadline: number;
  private lastReport: number;

  private constructor(
    private readonly client: ProxmoxClient,
    private readonly machine: MachineAddress,
    private readonly bounds: SnapshotBounds,
  ) {
    this.lastReport = bounds.clock.now();
    this.deadline = this.lastReport + bounds.timeoutSeconds * 1000;
  }

  /** Finds the machine; undefined when there is none. */
  static async of(
    client: ProxmoxClient,
    vmId: number,
    bounds: SnapshotBounds,
  ): Promise<MachineSnapshots | undefined> {
    const { signal } = bounds.ctx;
    const machine = await findMachine(client, vmId, { signal });
    return machine && new MachineSnapshots(client, machine, bounds);
  }

  /** The snapshot of this name; undefined when there is none. */
  async find(name: string): Promise<Snapshot | undefined> {
    const entries = await this.client.get<readonly Entry[]>(
      machinePath(this.machine, "snapshot"),
      {},
      this.bounds.ctx,
    );
    const entry = entries.find((candidate) => candidate.name === name);
    return (
      entry && {
        name,
        ...readDescription(entry.description ?? ""),
        takenAt: new Date((entry.snaptime ?? 0) * 1000).toISOString(),
      }
    );
  }

  async take(request: SnapshotRequest): Promise<void> {
    await this.whenUnlocked(`taking the snapshot ${request.name}`, () =>
      this.client.post<string>(
        machinePath(this.machine, "snapshot"),
        {
          snapname: request.name,
          description: request.description,
          vmstate: request.includeMemory,
        },
        this.bounds.ctx,
      ),
    );
  }

  async describe(name: string, description: string): Promise<void> {
    await this.whenUnlocked(`describing the snapshot ${name}`, () =>
      this.client.put<null>(
        machinePath(this.machine, "snapshot", segment(name), "config"),
        { description },
        this.bounds.ctx,
      ),
    );
  }

  async remove(name: string): Promise<void> {
    try {
      await this.whenUnlocked(`removing the snapshot ${name}`, () =>
        this.client.delete<string>(
          machinePath(this.machine, "snapshot", segment(name)),
          {},
          this.bounds.ctx,
        ),
      );
    } catch (error) {
      // It may have gone between two looks: the task says so in its own words.
      if (!(
        error instanceof ProxmoxError && /does not exist/.test(error.said)
      )) {
        throw error;
      }
    }
  }

  /** Tries on while something else, such as a backup, works on the machine. */
  private async whenUnlocked(
    what: string,
    start: () => Promise<string | null>,
  ): Promise<void> {
    const { clock, ctx } = this.bounds;
    for (;;) {
      try {
        const upid = await start();
        if (upid) {
          await this.client.waitForTask(upid, {
            signal: ctx.signal,
            timeoutSeconds: Math.max(1, (this.deadline - clock.now()) / 1000),
            onProgress: (progress) => this.report(what, progress),
          });
        }
        return;
      } catch (error) {
        if (!isLocked(error)) {
          throw error;
        }
        await this.waitForUnlock(what, error);
      }
    }
  }

  private async waitForUnlock(
    what: string,
    error: ProxmoxError,
  ): Promise<void> {
    const { clock, ctx, timeoutSeconds } = this.bounds;
    const { vmId } = this.machine;
    if (clock.now() >= this.deadline) {
      throw new Error(
        `${what}: VM ${vmId} at ${this.client.server} stayed locked for ${timeoutSeconds} s: ` +
          `${error.said}. Wait until what works on it has ended and run the update again; if ` +
          `nothing does (pvesh get /cluster/tasks), its lock was left behind: qm unlock ${vmId}`,
      );
    }
    if (clock.now() - this.lastReport >= reportMilliseconds) {
      this.lastReport = clock.now();
      ctx.log.status(`VM ${vmId}: ${what} waits: ${error.said}`);
    }
    await clock.sleep(lockedMilliseconds, ctx.signal);
    if (ctx.signal.aborted) {
      throw ctx.signal.reason;
    }
  }

  private report(what: string, { seconds, lastLine }: TaskProgress): void {
    const { ctx, timeoutSeconds } = this.bounds;
    const detail = lastLine === "" ? "" : ` (${lastLine})`;
    ctx.log.status(
      `VM ${this.machine.vmId}: ${what}${detail}: ${seconds} of ${timeoutSeconds} s`,
    );
  }
}

/** Proxmox VE looks at the lock in the request, or only in the task that it starts. */
function isLocked(error: unknown): error is ProxmoxError {
  return (
    isProxmoxFault(error, "locked") ||
    (isProxmoxFault(error, "task") &&
      /is locked \(|got timeout$|migration lock/.test(error.said))
  );
}

interface Entry {
  readonly name: string;
  readonly description?: string;
  readonly snaptime?: number;
}
