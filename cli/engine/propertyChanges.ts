import { SECRET, type Step, UNKNOWN } from "./previewDigest";

/** One property that differs, with both values as they are shown. */
export interface PropertyChange {
  readonly path: string;
  readonly from: string;
  readonly to: string;
}

const LONGEST_VALUE = 60;

/**
 * The properties that a step changes. For an update or replacement these are arguments; after a
 * refresh they are what the state says and what the hypervisor says.
 */
export function propertyChanges(
  step: Step,
  of: "inputs" | "outputs" = "inputs",
): PropertyChange[] {
  const before = step.oldState?.[of];
  const after = step.newState?.[of];
  const keys = changedKeys(step);
  const found = differences(before, after).filter(
    ({ path }) => keys.length === 0 || keys.includes(firstKey(path)),
  );
  // What the engine names and the values do not show: an unknown value, or one inside a secret.
  const lost = keys.filter(
    (key) => !found.some(({ path }) => firstKey(path) === key),
  );
  return [
    ...found.map(({ path, from, to }) => ({
      path,
      from: showValue(from),
      to: showValue(to),
    })),
    ...lost.map((key) => ({
      path: key,
      from: showValue(before?.[key]),
      to: showValue(after?.[key]),
    })),
  ];
}

/** The properties that the engine names, outermost keys only. */
function changedKeys(step: Step): string[] {
  const named = [
    ...Object.keys(step.detailedDiff ?? {}).map(firstKey),
    ...(step.replaceReasons ?? []),
    ...(step.diffReasons ?? []),
  ];
  return [...new Set(named)].sort();
}

/** The outermost key of a property path: `disks` of `disks[0].volumeId`. */
export function firstKey(path: string): string {
  return /^[^.[]+/.exec(path)?.[0] ?? path;
}

interface Difference {
  readonly path: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** Where two values differ. Nothing, and an empty text, list or mapping are the same. */
export function differences(
  from: unknown,
  to: unknown,
  path = "",
): Difference[] {
  if (isVoid(from) && isVoid(to)) {
    return [];
  }
  if (isBranch(from) && isBranch(to)) {
    const isList = Array.isArray(from) && Array.isArray(to);
    const keys = new Set([...Object.keys(from), ...Object.keys(to)]);
    return [...keys]
      .sort()
      .flatMap((key) =>
        differences(
          (from as Record<string, unknown>)[key],
          (to as Record<string, unknown>)[key],
          isList ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`,
        ),
      );
  }
  return from === to ? [] : [{ path, from, to }];
}

function isBranch(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isVoid(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    value === "" ||
    (isBranch(value) && Object.keys(value).length === 0)
  );
}

/** A value as it is shown in a report: on one line, short, and of long texts only the size. */
export function showValue(value: unknown): string {
  if (value === undefined || value === null) {
    return "none";
  }
  if (typeof value === "string") {
    return value === UNKNOWN
      ? "known after the update"
      : value === SECRET
        ? SECRET
        : value.length > LONGEST_VALUE || /[\r\n]/.test(value)
          ? `a text of ${value.length} characters`
          : JSON.stringify(value);
  }
  const text = JSON.stringify(value).replaceAll(UNKNOWN, "?");
  return text.length <= LONGEST_VALUE
    ? text
    : Array.isArray(value)
      ? `a list of ${value.length}`
      : "a mapping";
}
