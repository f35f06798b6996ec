import { isDeepStrictEqual } from "node:util";

import { wholeMemory } from "@corral-iac/corral/core/microvm/machineFaults";
import type { MachineMemory } from "@corral-iac/corral/core/microvm/machineFaults";

import type { OperationContext } from "../frame/context";
import type { InputsToCheck } from "../frame/define";
import { RefusedError } from "../frame/errors";
import { Unknown } from "../frame/value";
import type { Connection } from "../guest/connectionFields";
import { isOutOfReach } from "../guest/rootShell";
import type { Inputs } from "../resources/microVmServiceFields";
import { isKnown } from "./hostChange";
import { cannotRun, lookForRoom } from "./lookForRoom";
import type { RoomWanted } from "./lookForRoom";

/** The inputs by which a host may not do for a machine. */
type Asking = Pick<
  Inputs,
  | "connection"
  | "hypervisor"
  | "acceleration"
  | "vsockCid"
  | "memoryMib"
  | "memoryOverheadMib"
  | "running"
  | "disks"
>;

/**
 * Says in a preview why the machine cannot run on its host, so that nothing at all is changed there. A
 * host that is not known, or that nobody answers on yet, says nothing against it.
 *
 * @param before the inputs of the machine that there is.
 * @throws RefusedError with everything that stands against it.
 */
export async function foreseeFaults(
  ctx: OperationContext,
  args: InputsToCheck<Inputs>,
  before: Inputs | undefined,
  moves: boolean,
): Promise<void> {
  const wanted = wantedOf(args, before, moves);
  if (
    wanted === undefined ||
    (before !== undefined &&
      isDeepStrictEqual(askingOf(before), askingOf(args)))
  ) {
    return;
  }
  const found = await lookForRoom(ctx, wanted).catch((error: unknown) => {
    if (!isOutOfReach(error)) {
      throw error;
    }
    return undefined;
  });
  if (found === undefined || found.faults.length === 0) {
    return;
  }
  const text = cannotRun(wanted.name, found.where, found.faults);
  // The update that makes the host's network may bring what is missing before.
  if (found.facts.missingNetworks.length > 0) {
    ctx.log.warn(`as the host is now, ${text}`);
    return;
  }
  throw new RefusedError(text);
}

/** What the machine asks of its host's memory beyond what it had; undefined: nothing. */
export function newMemory(
  args: Pick<Inputs, "memoryMib" | "memoryOverheadMib" | "running">,
  before?: MachineMemory,
): MachineMemory | undefined {
  return args.running &&
    (before === undefined || wholeMemory(args) > wholeMemory(before))
    ? args
    : undefined;
}

/** Undefined where too little is known yet to look. */
function wantedOf(
  args: InputsToCheck<Inputs>,
  before: Inputs | undefined,
  moves: boolean,
): RoomWanted | undefined {
  const { connection, name, hypervisor, acceleration, disks, interfaces } =
    args;
  const { memoryMib, memoryOverheadMib, running, vsockCid } = args;
  if (
    !isKnown<Connection>(connection) ||
    typeof name !== "string" ||
    hypervisor instanceof Unknown ||
    acceleration instanceof Unknown
  ) {
    return undefined;
  }
  const memory = { memoryMib, memoryOverheadMib, running };
  return {
    connection,
    name,
    hypervisor,
    acceleration,
    disks: knownOf<Inputs["disks"][number]>(disks),
    networks: knownOf<Inputs["interfaces"][number]["network"]>(
      interfaces instanceof Unknown
        ? interfaces
        : interfaces.map((nic) => (nic instanceof Unknown ? nic : nic.network)),
    ),
    ...(typeof vsockCid === "number" && { vsockCid }),
    // Whether there is memory for one that moves the move looks itself.
    memory:
      !moves && isKnown<Pick<Inputs, keyof typeof memory>>(memory)
        ? newMemory(memory, before)
        : undefined,
  };
}

/** Those of a list that are known as a whole. */
function knownOf<T>(list: Unknown | readonly unknown[]): T[] {
  return list instanceof Unknown
    ? []
    : list.filter((item): item is T => isKnown<T>(item as T));
}

function askingOf(args: Asking | InputsToCheck<Asking>) {
  const { connection, hypervisor, acceleration, vsockCid } = args;
  const { memoryMib, memoryOverheadMib, running, disks } = args;
  return {
    connection,
    hypervisor,
    acceleration,
    vsockCid,
    memoryMib,
    memoryOverheadMib,
    running,
    disks,
  };
}
