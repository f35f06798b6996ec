import { hypervisorFeatures } from "@corral-iac/corral/core/microvm/features";
import { machineFaults } from "@corral-iac/corral/core/microvm/machineFaults";
import type {
  MachineFacts,
  MachineMemory,
} from "@corral-iac/corral/core/microvm/machineFaults";
import { hostPaths } from "@corral-iac/corral/core/microvm/paths";
import {
  machineFactsScript,
  readMachineFacts,
} from "@corral-iac/corral/core/microvm/scripts/machineFacts";
import type { MachineLook } from "@corral-iac/corral/core/microvm/scripts/machineFacts";

import type { OperationContext } from "../frame/context";
import type { Inputs } from "../resources/microVmServiceFields";
import { HostShell } from "./hostShell";

const LOOK_SECONDS = 60;

/** What of a machine's inputs has to be known to look whether its host will do. */
export interface RoomWanted
  extends
    MachineLook,
    Pick<Inputs, "connection" | "acceleration" | "vsockCid"> {
  /** Left out: it asks for no more memory than it has. */
  readonly memory: MachineMemory | undefined;
}

/** Looks what the host has for the machine, and what stands against it; changes nothing. */
export async function lookForRoom(
  ctx: Pick<OperationContext, "signal">,
  wanted: RoomWanted,
): Promise<{
  readonly where: string;
  readonly facts: MachineFacts;
  readonly faults: readonly string[];
}> {
  const shell = new HostShell(wanted.connection, ctx.signal);
  const answer = await shell.run({
    what: `looking for ${hypervisorFeatures[wanted.hypervisor].title}`,
    script: machineFactsScript(wanted, hostPaths),
    timeoutSeconds: LOOK_SECONDS,
  });
  const facts = readMachineFacts(answer);
  const faults = machineFaults(facts, {
    ...wanted,
    hasVsock: wanted.vsockCid !== undefined,
  });
  return { where: shell.where, facts, faults };
}

/** Everything that stands against the machine, before anything of it is touched. */
export function cannotRun(
  machine: string,
  where: string,
  faults: readonly string[],
): string {
  return [
    `${machine} cannot run on ${where}; nothing of it was changed there:`,
    ...faults.map((fault) => `  - ${fault}`),
  ].join("\n");
}
