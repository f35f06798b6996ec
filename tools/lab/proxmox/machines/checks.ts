import type { Cluster } from "../cluster";
import { networksOf } from "../config/nets";
import type { Caller } from "../access/caller";
import { failure } from "../http/apiError";
import type { MachineState } from "../state/model";

/** @throws ApiError when somebody works on the machine. */
export function checkLock({ lock }: MachineState): void {
  if (lock !== undefined) {
    throw failure(`VM is locked (${lock})`);
  }
}

/** @throws ApiError when the machine is protected. */
export function checkProtection({ config }: MachineState, what: string): void {
  if (config.protection === "1") {
    throw failure(`${what} - protection mode enabled`);
  }
}

/** Bridges are used by `SDN.Use` on their zone. */
export function checkBridges(
  caller: Caller,
  config: Readonly<Record<string, string>>,
): void {
  for (const { bridge } of networksOf(config).values()) {
    if (bridge !== undefined) {
      caller.check(`/sdn/zones/localnetwork/${bridge}`, "SDN.Use");
    }
  }
}

/** The machine of a call, once nothing stands in its way. */
export function unlockedMachine(
  cluster: Cluster,
  vmId: number,
  node: string,
): MachineState {
  const machine = cluster.store.machine(vmId, node);
  checkLock(machine);
  return machine;
}
