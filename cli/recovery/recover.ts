import { confirm, isInteractive } from "../ask";
import type { OpenStack } from "../engine/openStack";
import { readState } from "../engine/state";
import { takeInventory, type Inventory } from "../inventory/take";
import { objectsTable, missingTable } from "../inventory/words";
import { endDeadRun } from "./deadRun";
import { removeLeftovers } from "./removeLeftovers";

/** What recovery may do without asking. */
export interface RecoveryOptions {
  /** Removes leftovers without a question. */
  readonly yes: boolean;
  readonly log: (line: string) => void;
}

/** What the engine has to know of it. */
export interface Recovery {
  /** The state speaks of things that are gone: the engine must look before it plans. */
  readonly refresh: boolean;
}

/**
 * Takes away what a run that was cut off left behind, as far as it is provably that: its lock, its
 * processes, and what it made and could not note down. Nothing else is touched.
 *
 * @throws Error when somebody else works on the stack, or when leftovers stay.
 */
export async function recover(
  stack: OpenStack,
  options: RecoveryOptions,
): Promise<Recovery> {
  await endDeadRun(stack, options.log);
  // From here to the end no engine can be making what we take for a leftover.
  const held = await stack.locks?.hold();
  try {
    const { resources } = await readState(stack.pulumi);
    const inventory = await takeInventory(stack.name, resources);
    await clearLeftovers(inventory, stack, options);
    tellMissing(inventory, options.log);
    return { refresh: inventory.missing.length > 0 };
  } finally {
    await held?.release();
  }
}

async function clearLeftovers(
  inventory: Inventory,
  { locks, name }: OpenStack,
  { yes, log }: RecoveryOptions,
): Promise<void> {
  inventory.unreachable.forEach(({ place, why }) =>
    log(`warning: leftovers at ${place} cannot be looked for: ${why}`),
  );
  const { leftovers } = inventory;
  if (leftovers.length === 0) {
    return;
  }
  log(
    `Leftovers of a run of ${name.project}/${name.stack} that was cut off, which its state does not know:`,
  );
  log(objectsTable(leftovers));
  const byHand = `corral orphans --stack ${name.stack} --remove, or --adopt`;
  if (locks === undefined) {
    throw new Error(
      "This backend does not tell whether another run is at work right now, so nothing was removed. " +
        `When none is: ${byHand}`,
    );
  }
  if (!yes && !isInteractive()) {
    throw new Error(`Nothing was removed: say --yes, or run ${byHand}`);
  }
  if (!yes && !(await confirm("Remove them?"))) {
    throw new Error(`Nothing was removed. To take them up instead: ${byHand}`);
  }
  await removeLeftovers(leftovers, log);
}

function tellMissing(
  { missing }: Inventory,
  log: (line: string) => void,
): void {
  if (missing.length > 0) {
    log("In the state, and gone from the hypervisor; Pulumi will look itself:");
    log(missingTable(missing));
  }
}
