import { type Fault, joinPath } from "../core/faults";
import { isRecord } from "../core/later";
import { describeNameForm, isGoodName } from "../core/nameRule";

/** What stands under names of the user's own. */
export type Named = readonly (readonly [string, Record<string, unknown>])[];

/** The faults of everything under a name, and of the names. */
export function eachNamed(
  path: string,
  value: unknown,
  check: (path: string, item: Record<string, unknown>) => Fault[],
): Fault[] {
  const names = isRecord(value) ? Object.keys(value) : [];
  return [
    ...names.flatMap((name) => nameFaults(joinPath(path, name), name)),
    ...entries(value).flatMap(([name, item]) =>
      check(joinPath(path, name), item),
    ),
  ];
}

function nameFaults(path: string, name: string): Fault[] {
  return isGoodName(name)
    ? []
    : [
        {
          path,
          problem: `is no good name, must be ${describeNameForm()}`,
        },
      ];
}

/** Faults, of what stands under a path. */
export function under(path: string, faults: readonly Fault[]): Fault[] {
  return faults.map((fault) => ({
    ...fault,
    path: joinPath(path, fault.path),
  }));
}

/** What stands under names, as far as it has fields. */
export function entries(value: unknown): [string, Record<string, unknown>][] {
  return isRecord(value)
    ? Object.entries(value).filter(
        (entry): entry is [string, Record<string, unknown>] =>
          isRecord(entry[1]),
      )
    : [];
}
