import { isList, isMap, isSecret, unwrap } from "./value";
import type { PropertyValue } from "./value";

export type Segment = string | number;

/** Writes a path as Pulumi does: `ssh.port`, `files[2]`, `labels["a.b"]`. */
export function formatPath(segments: readonly Segment[]): string {
  return segments
    .map((segment, index) => {
      if (typeof segment === "number") {
        return `[${segment}]`;
      }
      if (!/^[A-Za-z_$][\w$-]*$/.test(segment)) {
        return `["${segment.replace(/(["\\])/g, "\\$1")}"]`;
      }
      return index === 0 ? segment : `.${segment}`;
    })
    .join("");
}

/** Reads a path as a user writes it in `ignoreChanges`; `*` stands for any one segment. */
export function parsePath(text: string): Segment[] {
  const segments: Segment[] = [];
  const pattern = /\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\]|([^.[\]]+)/g;
  for (const [, quoted, index, name] of text.matchAll(pattern)) {
    if (quoted !== undefined) {
      segments.push(quoted.replace(/\\(.)/g, "$1"));
    } else if (index !== undefined) {
      segments.push(index === "*" ? "*" : Number(index));
    } else if (name !== undefined) {
      segments.push(name);
    }
  }
  return segments;
}

/** True if `path` is `prefix` or lies below it. */
export function isWithin(
  path: readonly Segment[],
  prefix: readonly Segment[],
): boolean {
  return (
    prefix.length <= path.length &&
    prefix.every((segment, index) => segment === "*" || segment === path[index])
  );
}

/** The value at a path and whether it is, or stands within, a secret. */
export function lookUp(
  root: PropertyValue,
  path: readonly Segment[],
): { value: PropertyValue | undefined; secret: boolean } {
  let value: PropertyValue | undefined = root;
  let secret = isSecret(root);
  for (const segment of path) {
    const inner: PropertyValue | undefined =
      value === undefined ? undefined : unwrap(value);
    if (isList(inner) && typeof segment === "number") {
      value = inner[segment];
    } else if (isMap(inner) && Object.hasOwn(inner, segment)) {
      value = inner[segment];
    } else {
      return { value: undefined, secret };
    }
    secret ||= value !== undefined && isSecret(value);
  }
  return { value, secret };
}
