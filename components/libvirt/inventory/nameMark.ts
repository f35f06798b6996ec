import type { OwnerMark } from "../../core/inventory/lister";
import { markInStem } from "../../core/inventory/nameMark";
import type { StackName } from "../../core/names";

/**
 * What the name of a volume, console log or pool says of its owner: pools and volumes have no field
 * for a stamp in libvirt 9, so the first digits of its id end their names.
 *
 * @param stack whose objects are to be recognized.
 * @returns nothing for names of any other form or stack.
 */
export function markInName(
  name: string,
  stack: StackName,
): OwnerMark | undefined {
  return markInStem(
    name.replace(/(?:\.qcow2|\.iso|\.log(?:\.\d+)?)$/, ""),
    stack,
  );
}

/** Whether a volume's name says that it outlives its machine. */
export function isKeptName(name: string): boolean {
  return /-kept-[0-9a-f]{8}\.qcow2$/.test(name);
}

/** A console's file by the name under which the state knows it: virtlogd numbers the older parts. */
export function withoutRotation(fileName: string): string {
  return fileName.replace(/(\.log)\.\d+$/, "$1");
}

/** Whether virtlogd may have put older parts beside a file of this name: it is a console's. */
export function hasRotations(fileName: string): boolean {
  return fileName.endsWith(".log");
}

/** Of some file names those of a console's file: it, and its older parts. */
export function rotationsOf(
  fileName: string,
  names: readonly string[],
): string[] {
  return names.filter((name) => withoutRotation(name) === fileName);
}
