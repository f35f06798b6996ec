import { machineUnit } from "@corral-iac/corral/core/microvm/paths";
import {
  Answer,
  call,
} from "@corral-iac/corral/core/microvm/scripts/hostScript";

import type { SshPool } from "../ssh/pool";
import type { Connection } from "./connectionFields";
import { failed, ready, waiting } from "./probe";
import type { Finding, GuestProbe } from "./probe";
import { isOutOfReach, RootShell } from "./rootShell";

/** A microVM on its host. */
export interface MicroVmGuest {
  /** How the host is reached. */
  readonly connection: Connection;
  /** The machine's name on the host. */
  readonly name: string;
}

const LOOK_SECONDS = 20;
const SHOWN_LINES = 20;

/** What the systemd of its host knows of a microVM. */
export class MicroVmProbe implements GuestProbe {
  private readonly shell: RootShell;
  private readonly unit: string;

  constructor(pool: Pick<SshPool, "use">, guest: MicroVmGuest) {
    this.shell = new RootShell(pool, guest.connection);
    this.unit = machineUnit(guest.name);
  }

  async machine(signal: AbortSignal): Promise<Finding<void>> {
    try {
      const { stdout } = await this.shell.run({
        what: `looking at ${this.unit}`,
        script: `
echo "state $(${call("systemctl", "is-active", this.unit)})"
echo "restarts $(${call("systemctl", "show", "--property", "NRestarts", "--value", this.unit)})"`,
        signal,
        timeoutSeconds: LOOK_SECONDS,
      });
      return judge(this.unit, new Answer(stdout));
    } catch (error) {
      if (isOutOfReach(error)) {
        return waiting(error.message);
      }
      throw error;
    }
  }

  /** A microVM's address is leased before it is made. */
  addresses(): Promise<Finding<readonly string[]>> {
    return Promise.resolve(failed("a microVM's address has to be given"));
  }

  async console(signal: AbortSignal): Promise<readonly string[] | undefined> {
    const { stdout } = await this.shell.run({
      what: `reading the journal of ${this.unit}`,
      script: `${call("journalctl", "--unit", this.unit, "--lines", SHOWN_LINES, "--no-pager", "--output", "cat")}`,
      signal,
      timeoutSeconds: LOOK_SECONDS,
    });
    return stdout.trim().split("\n");
  }
}

function judge(unit: string, answer: Answer): Finding<void> {
  switch (answer.must("state")) {
    case "active":
    case "reloading":
      return ready(undefined);
    case "activating":
      return waiting(
        `its hypervisor is being started (${answer.get("restarts") ?? "0"} restarts)`,
      );
    default:
      return failed(
        `${unit} is ${answer.must("state")}`,
        `See why by journalctl -u ${unit} on the host; the next up starts it.`,
      );
  }
}
