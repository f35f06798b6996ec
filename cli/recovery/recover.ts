import { agree } from "../ask";
import type { OpenStack } from "../engine/openStack";
import {
  exportState,
  type ExportedState,
  importState,
  resourcesOf,
} from "../engine/state";
import { contextOf } from "../inventory/context";
import { takeInventory, type Inventory } from "../inventory/take";
import { objectsTable, missingTable } from "../inventory/words";
import { endDeadRun } from "./deadRun";
import { settledOperations, withoutOperations } from "./pendingOperations";
import { removeLeftovers } from "./removeLeftovers";
import { mendTornState } from "./tornState";
import { underLock } from "./underLock";

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
  const { state, inventory } = await underLock(stack, async () => {
    mendState(stack, options.log);
    const state = await exportState(stack.pulumi);
    const take = () =>
      takeInventory(
        stack.name,
        resourcesOf(state),
        contextOf(stack.pulumi, options.log),
      );
    const first = await take();
    const inventory = (await endWork(first, stack, options.log))
      ? await take()
      : first;
    refuseUnsettled(inventory);
    await clearLeftovers(inventory, stack, options);
    return { state, inventory };
  });
  if (inventory.unreachable.length === 0) {
    await forgetSettled(state, stack, options.log);
  }
  tellMissing(inventory, options.log);
  return { refresh: inventory.missing.length > 0 };
}

/**
 * Ends what a dead run has begun on a hypervisor and nobody waits for any more. While we hold the lock no
 * other run is at work.
 *
 * @returns whether there was anything.
 */
async function endWork(
  { atWork }: Inventory,
  { locks }: OpenStack,
  log: (line: string) => void,
): Promise<boolean> {
  if (locks === undefined) {
    return false;
  }
  for (const { lister, place, stampIds } of atWork) {
    await lister.endWork?.(place, stampIds);
    log(`Ended what a dead run had begun at ${place}, and was still at work`);
  }
  return atWork.length > 0;
}

/** What a dead run had begun may still come: a run that does not know of it would make it twice. */
function refuseUnsettled({ unsettled }: Inventory): void {
  if (unsettled.length > 0) {
    throw new Error(
      "Something is being made of which nobody can tell yet whether this stack began it:\n" +
        unsettled.map(({ place, what }) => `  - ${place}: ${what}`).join("\n") +
        "\nRun it again when that has ended.",
    );
  }
}

function mendState(
  { name, stateFolder }: OpenStack,
  log: (line: string) => void,
): void {
  const mended =
    stateFolder === undefined ? [] : mendTornState(stateFolder, name);
  mended.forEach((file) =>
    log(
      `Removed a file of attributes that a dead run was writing; the state itself is whole: ${file}`,
    ),
  );
}

/**
 * Takes operations out of the state whose outcome is known now. Pulumi locks for the import itself,
 * so our lock is given back just before; nobody runs a whole update in that moment.
 */
async function forgetSettled(
  state: ExportedState,
  { pulumi }: OpenStack,
  log: (line: string) => void,
): Promise<void> {
  const settled = settledOperations(state);
  if (settled.length > 0) {
    await importState(pulumi, withoutOperations(state, settled));
    log(
      `Settled ${settled.length} operations that the dead run had begun: none of them left anything behind`,
    );
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
  await agree("Remove them?", {
    yes,
    unasked: `Nothing was removed: say --yes, or run ${byHand}`,
    declined: `Nothing was removed. To take them up instead: ${byHand}`,
  });
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
