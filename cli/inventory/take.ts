import {
  compare,
  type Comparison,
  type Located,
  removable,
  stampIds,
} from "@corral-iac/corral/core/inventory/classify";
import { messageOf } from "@corral-iac/corral/core/errors";
import type {
  InventoryContext,
  Lister,
  Listing,
  StateResource,
} from "@corral-iac/corral/core/inventory/lister";
import type { StackName } from "@corral-iac/corral/core/names";
import type { DeclaredHypervisor } from "./declared";
import { listersFor } from "./listers";

/** A leftover, and what removes it. */
export interface Leftover extends Located {
  readonly lister: Lister;
  /** What uses it and stays; it cannot be removed then. */
  readonly usedBy?: string;
}

/** A stack's inventory: how its state and its hypervisors differ. */
export interface Inventory extends Omit<Comparison, "leftovers" | "atWork"> {
  readonly leftovers: readonly Leftover[];
  /** What is done for this stack right now, and what ends it. */
  readonly atWork: readonly (Comparison["atWork"][number] & {
    readonly lister: Lister;
  })[];
  /** Hypervisors that could not be asked, and why. */
  readonly unreachable: readonly {
    readonly place: string;
    readonly why: string;
  }[];
}

/** What an inventory takes into account beside the state. */
export interface InventoryOptions {
  /** Stamps that the user says are this stack's. */
  readonly claimedStamps?: readonly string[];
  /** Hypervisors to look at even when the state does not speak of them. */
  readonly declared?: readonly DeclaredHypervisor[];
}

/** Looks at every hypervisor that the state speaks of. */
export async function takeInventory(
  name: StackName,
  resources: readonly StateResource[],
  context: InventoryContext,
  options: InventoryOptions = {},
): Promise<Inventory> {
  const { declared = [] } = options;
  const parts: Inventory[] = [];
  for (const lister of await listersFor(resources, declared, context)) {
    parts.push(await inventoryOf(lister, name, resources, options));
  }
  return merge(parts);
}

async function inventoryOf(
  lister: Lister,
  name: StackName,
  resources: readonly StateResource[],
  { claimedStamps = [], declared = [] }: InventoryOptions,
): Promise<Inventory> {
  const { places, references } = lister.survey(resources);
  const declaredPlaces = await Promise.all(
    declared
      .filter(({ kind }) => kind === lister.hypervisor)
      .map(({ declaration }) => lister.declaredPlace(declaration)),
  );
  const listings = new Map<string, Listing>();
  const unreachable: { place: string; why: string }[] = [];
  for (const place of new Set([...places, ...declaredPlaces])) {
    try {
      listings.set(place, await lister.list(place, name));
    } catch (error) {
      const why = messageOf(error);
      unreachable.push({ place, why });
    }
  }
  const { leftovers, atWork, ...rest } = compare({
    references,
    stampIds: [...stampIds(resources), ...claimedStamps],
    listings,
  });
  const { free, used } = removable(leftovers, listings);
  const rank = (kind: string) => lister.removalOrder.indexOf(kind);
  return {
    ...rest,
    atWork: atWork.map((work) => ({ ...work, lister })),
    leftovers: [
      ...free
        .map((leftover) => ({ ...leftover, lister }))
        .sort((a, b) => rank(a.object.kind) - rank(b.object.kind)),
      ...used.map(({ by, ...leftover }) => ({
        ...leftover,
        lister,
        usedBy: by,
      })),
    ],
    unreachable,
  };
}

function merge(parts: readonly Inventory[]): Inventory {
  return {
    leftovers: parts.flatMap(({ leftovers }) => leftovers),
    missing: parts.flatMap(({ missing }) => missing),
    kept: parts.flatMap(({ kept }) => kept),
    unproven: parts.flatMap(({ unproven }) => unproven),
    blind: parts.flatMap(({ blind }) => blind),
    unsettled: parts.flatMap(({ unsettled }) => unsettled),
    atWork: parts.flatMap(({ atWork }) => atWork),
    unreachable: parts.flatMap(({ unreachable }) => unreachable),
  };
}
