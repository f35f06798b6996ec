import { namePrefix, type StackName } from "../names";
import type { OwnerMark } from "./lister";

/**
 * What a name says of its owner, for objects that have no field for a stamp: the first digits of its
 * id end their names.
 *
 * @param stem the name without what tells its kind, such as `.qcow2`.
 * @param stack whose objects are to be recognized.
 * @returns nothing for names of any other form or stack.
 */
export function markInStem(
  stem: string,
  stack: StackName,
): OwnerMark | undefined {
  const [, kept, stampId] = /^.+?(-kept)?-([0-9a-f]{8})$/.exec(stem) ?? [];
  if (stampId === undefined || !stem.startsWith(namePrefix(stack))) {
    return undefined;
  }
  const mark = { stampId, namesThisStack: true };
  return kept === undefined ? mark : { ...mark, kept: true };
}
