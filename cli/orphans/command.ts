import { agree } from "../ask";
import { openStack, type OpenStack } from "../engine/openStack";
import type { StackSelection } from "../engine/pulumi";
import { exportState, resourcesOf } from "../engine/state";
import { contextOf } from "../inventory/context";
import { declaredHypervisors } from "../inventory/declared";
import { takeInventory, type Inventory } from "../inventory/take";
import { endDeadRun } from "../recovery/deadRun";
import { removeLeftovers } from "../recovery/removeLeftovers";
import { underLock } from "../recovery/underLock";
import { adoptLeftovers } from "./adopt";
import {
  FOUND,
  isClean,
  isComplete,
  orphansJson,
  orphansText,
  warnings,
} from "./report";

export interface OrphansOptions {
  readonly json: boolean;
  readonly remove: boolean;
  readonly adopt: boolean;
  readonly yes: boolean;
  /** Stamps that the user says are this stack's. */
  readonly stamps: readonly string[];
}

/**
 * The command `corral orphans`: how state and hypervisors differ.
 *
 * @returns 0 when they agree, 3 when something was found and is still there, 1 when not everything
 *   could be looked at.
 */
export async function orphans(
  selection: StackSelection,
  options: OrphansOptions,
): Promise<number> {
  if (options.remove && options.adopt) {
    throw new Error("--remove and --adopt exclude each other");
  }
  const stack = await openStack(selection);
  const inventory = await look(stack, options);
  warnings(inventory).forEach((line) => console.error(line));
  console.log(options.json ? orphansJson(inventory) : orphansText(inventory));
  const complete = isComplete(inventory);
  if (inventory.leftovers.length === 0 || !(options.remove || options.adopt)) {
    return isClean(inventory) ? (complete ? 0 : 1) : FOUND;
  }
  await (options.remove
    ? remove(stack, options)
    : adopt(stack, inventory, options));
  const after = await look(stack, options);
  return isClean(after) ? (complete ? 0 : 1) : FOUND;
}

async function look(
  stack: OpenStack,
  { stamps }: OrphansOptions,
): Promise<Inventory> {
  const resources = resourcesOf(await exportState(stack.pulumi));
  return takeInventory(stack.name, resources, contextOf(stack.pulumi), {
    claimedStamps: stamps,
    declared: declaredHypervisors({
      ...stack.pulumi.selection,
      stack: stack.name.stack,
    }),
  });
}

/** Removes under the stack's lock: while another run is at work, what it makes looks like a leftover. */
async function remove(
  stack: OpenStack,
  options: OrphansOptions,
): Promise<void> {
  await agree("Remove them?", { ...UNCHANGED, yes: options.yes });
  await endDeadRun(stack, console.error);
  await underLock(stack, async () => {
    const { leftovers } = await look(stack, options);
    await removeLeftovers(leftovers, console.error);
  });
}

async function adopt(
  stack: OpenStack,
  { leftovers }: Inventory,
  options: OrphansOptions,
): Promise<void> {
  await agree("Take them into the state?", { ...UNCHANGED, yes: options.yes });
  await endDeadRun(stack, console.error);
  await adoptLeftovers(stack.pulumi, leftovers, console.error);
}

/** What is said when nobody agrees. */
const UNCHANGED = {
  unasked: "Nothing was changed: nobody is here to be asked; say --yes",
  declined: "Nothing was changed.",
};
