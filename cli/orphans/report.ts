import type { Located } from "@corral-iac/corral/core/inventory/classify";
import type { Inventory } from "../inventory/take";
import { missingTable, objectsTable } from "../inventory/words";

/** Exit code when something was found. */
export const FOUND = 3;

/** Whether all is as it should be; what was kept on purpose is. */
export function isClean(inventory: Inventory): boolean {
  return (
    inventory.leftovers.length === 0 &&
    inventory.missing.length === 0 &&
    inventory.unproven.length === 0
  );
}

/** Whether nothing may be there that was not seen. */
export function isComplete(inventory: Inventory): boolean {
  return inventory.unreachable.length === 0 && inventory.unsettled.length === 0;
}

/** The inventory for people. */
export function orphansText(inventory: Inventory): string {
  const sections: [string, number, () => string][] = [
    [
      "On the hypervisor and not in the state (leftovers of this stack):",
      inventory.leftovers.length,
      () => objectsTable(inventory.leftovers),
    ],
    [
      "In the state and not on the hypervisor (`corral up` makes them again):",
      inventory.missing.length,
      () => missingTable(inventory.missing),
    ],
    [
      "Kept on purpose when their machine was deleted:",
      inventory.kept.length,
      () => objectsTable(inventory.kept),
    ],
    [
      "Named like this stack's, with a stamp that its state does not know: another stack of the same\n" +
        "name, or this one before its state was restored. If you know that they are this stack's,\n" +
        "name their stamp: --stamp ID.",
      inventory.unproven.length,
      () => objectsTable(inventory.unproven),
    ],
  ];
  const found = sections
    .filter(([, count]) => count > 0)
    .map(([title, , text]) => `${title}\n${text()}`);
  return found.length > 0
    ? found.join("\n\n")
    : "Nothing found: state and hypervisors agree.";
}

/** Warnings of what could not be looked at. */
export function warnings(inventory: Inventory): string[] {
  return notLookedAt(inventory).map(
    ({ place, why }) => `warning: ${place}: ${why}`,
  );
}

/** The inventory for programs. */
export function orphansJson(inventory: Inventory): string {
  const located = ({ place, object }: Located) => ({
    hypervisor: place,
    kind: object.kind,
    name: object.name,
    id: object.id,
    stamp: object.owner?.stampId,
    madeFor: object.owner?.description,
    state: object.detail,
  });
  const report = {
    leftovers: inventory.leftovers.map((leftover) => ({
      ...located(leftover),
      usedBy: leftover.usedBy,
    })),
    missing: inventory.missing.map(({ urn, type, place, handle }) => ({
      hypervisor: place,
      urn,
      type,
      was: handle,
    })),
    kept: inventory.kept.map((kept) => ({
      ...located(kept),
      usedBy: kept.usedBy,
    })),
    unproven: inventory.unproven.map(located),
    notLookedAt: notLookedAt(inventory).map(({ place, why }) => ({
      hypervisor: place,
      why,
    })),
  };
  return JSON.stringify(report, undefined, 2);
}

function notLookedAt({
  blind,
  unreachable,
  unsettled,
}: Inventory): { readonly place: string; readonly why: string }[] {
  return [
    ...blind,
    ...unreachable,
    ...unsettled.map(({ place, what }) => ({ place, why: what })),
  ];
}
