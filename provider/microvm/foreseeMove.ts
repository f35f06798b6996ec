import { formatBytes } from "@corral-iac/corral/core/units";

import type { OperationContext } from "../frame/context";
import type { InputsToCheck, State } from "../frame/define";
import { RefusedError } from "../frame/errors";
import { Unknown } from "../frame/value";
import type { Connection } from "../guest/connectionFields";
import type { Inputs, Outputs } from "../resources/microVmServiceFields";
import { hostChange, isKnown, isSamePlace } from "./hostChange";
import { faultText } from "./move";
import { lookAhead } from "./moveLook";

/**
 * Says in a preview what another host means: that the machine moves, with how much data, or why it
 * cannot.
 *
 * @returns whether it moves.
 * @throws RefusedError where it must not or cannot.
 */
export async function foreseeMove(
  ctx: OperationContext,
  old: State<Inputs, Outputs>,
  args: InputsToCheck<Inputs>,
): Promise<boolean> {
  const { connection, onHostChange, memoryMib, running, disks } = args;
  const { stamp } = old.inputs;
  if (
    !isKnown<Connection>(connection) ||
    onHostChange instanceof Unknown ||
    isSamePlace(old.inputs.connection, connection)
  ) {
    return false;
  }
  const from = {
    connection: old.inputs.connection,
    hostId: old.outputs.hostId,
  };
  const change = await hostChange(ctx, from, {
    connection,
    onHostChange,
    stamp,
  });
  if (change?.isOther !== true) {
    return false;
  }
  const facts = await lookAhead(ctx.signal, old.inputs, {
    connection,
    memoryMib: isKnown<number>(memoryMib) ? memoryMib : 0,
    running: isKnown<boolean>(running) && running,
    disks: isKnown<Inputs["disks"]>(disks) ? disks : old.inputs.disks,
    // Those that are made by the same update are not there yet.
    networks: [],
  });
  const { plan, source, to } = facts;
  if (plan.faults.length > 0) {
    throw new RefusedError(faultText({ args: old.inputs }, facts));
  }
  const bytes = plan.copies.reduce(
    (sum, name) => sum + (source?.volumes.get(name)?.usedBytes ?? 0),
    0,
  );
  const data =
    plan.copies.length === 0
      ? ""
      : `, ${formatBytes(bytes)} of data (${plan.copies.join(", ")}) copied`;
  ctx.log.info(
    plan.isForward
      ? `has moved to ${to.where}; what is left on ${facts.from.where} is removed`
      : `moves from ${facts.from.where} to ${to.where}: stopped${data}, started there, and then removed here`,
  );
  return true;
}
