import type { HostDns } from "./cloudInit/files";
import type { Faults } from "./faults";
import type { GuestBackend } from "./guests/backend";
import type { MachineState } from "./state/model";
import type { Store } from "./state/store";
import type { Tasks } from "./tasks/tasks";

/** All that the calls of the API work on. */
export class Cluster {
  constructor(
    readonly store: Store,
    readonly tasks: Tasks,
    readonly faults: Faults,
    readonly guests: GuestBackend,
    readonly settings: ClusterSettings,
  ) {}

  /** Whether it runs; a guest that ended by itself is written into the books. */
  async isRunning(machine: MachineState): Promise<boolean> {
    const running = await this.guests.isRunning(machine);
    if (running !== machine.running) {
      machine.running = running;
      if (!running) {
        delete machine.startedAt;
      }
      this.store.save();
    }
    return running;
  }
}

export interface ClusterSettings {
  /** Version that `GET version` answers, for instance `9.0.10`. */
  readonly version: string;
  /** Where the storages of files are, and cloud-init drives in the making. */
  readonly folder: string;
  /** Bridges that machines can be on. */
  readonly bridges: readonly string[];
  readonly dns: HostDns;
}
