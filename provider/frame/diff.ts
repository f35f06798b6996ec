import type { TObject, TSchema } from "@sinclair/typebox";

import {
  isArraySchema,
  isObjectSchema,
  isRecordSchema,
  normalize,
  recordValueSchema,
} from "./normalize";
import { formatPath, isWithin, parsePath } from "./paths";
import type { Segment } from "./paths";
import { Asset, Opaque, Unknown, isList, isMap, unwrap } from "./value";
import type { PropertyMap, PropertyValue } from "./value";

export interface Change {
  readonly path: readonly Segment[];
  readonly kind: "add" | "delete" | "update";
  /** True if the schema says that this change replaces the resource. */
  readonly replaces: boolean;
}

/**
 * The differences between two versions of a resource's inputs. A value that is not known yet counts
 * as changed. Whether a value is marked secret makes no difference: the engine keeps that mark by
 * itself. A field that a newer version of this provider added with a default is no change.
 */
export function diffInputs(
  schema: TObject,
  olds: PropertyMap,
  news: PropertyMap,
  ignoreChanges: readonly string[] = [],
): Change[] {
  const ignored = ignoreChanges.map(parsePath);
  const changes: Change[] = [];
  compareFields(
    schema,
    normalize(schema, olds),
    normalize(schema, news),
    [],
    false,
    changes,
  );
  const counted = changes.filter(
    ({ path }) => !ignored.some((prefix) => isWithin(path, prefix)),
  );
  return counted.every(({ path }) => isPolicy(schema, path)) ? [] : counted;
}

function isPolicy(schema: TObject, [field]: readonly Segment[]): boolean {
  return schema.properties[`${field ?? ""}`]?.policy === true;
}

function compareFields(
  schema: TSchema | undefined,
  olds: PropertyMap,
  news: PropertyMap,
  path: readonly Segment[],
  replaces: boolean,
  changes: Change[],
): void {
  for (const key of new Set([...Object.keys(olds), ...Object.keys(news)])) {
    // The engine's own additions, such as __defaults, are none of the user's changes.
    if (path.length === 0 && key.startsWith("__")) {
      continue;
    }
    compare(
      fieldSchema(schema, key),
      olds[key],
      news[key],
      [...path, key],
      replaces,
      changes,
    );
  }
}

function compare(
  schema: TSchema | undefined,
  oldValue: PropertyValue | undefined,
  newValue: PropertyValue | undefined,
  path: readonly Segment[],
  parentReplaces: boolean,
  changes: Change[],
): void {
  const replaces = parentReplaces || schema?.replaces === true;
  if (oldValue === undefined || newValue === undefined) {
    if (oldValue !== newValue) {
      const kind = oldValue === undefined ? "add" : "delete";
      changes.push({ path, kind, replaces: replaces || anyReplaces(schema) });
    }
    return;
  }
  const before = unwrap(oldValue);
  const after = unwrap(newValue);
  if (isMap(before) && isMap(after)) {
    compareFields(schema, before, after, path, replaces, changes);
  } else if (isList(before) && isList(after)) {
    const element = schema && isArraySchema(schema) ? schema.items : undefined;
    for (
      let index = 0;
      index < Math.max(before.length, after.length);
      index++
    ) {
      compare(
        element,
        before[index],
        after[index],
        [...path, index],
        replaces,
        changes,
      );
    }
  } else if (!sameLeaf(before, after)) {
    const whole =
      before instanceof Unknown || after instanceof Unknown || isMap(before);
    const replacesWhole = replaces || (whole && anyReplaces(schema));
    changes.push({ path, kind: "update", replaces: replacesWhole });
  }
}

function sameLeaf(before: PropertyValue, after: PropertyValue): boolean {
  if (before instanceof Asset && after instanceof Asset) {
    return before.hash !== "" && before.hash === after.hash;
  }
  if (before instanceof Opaque && after instanceof Opaque) {
    return JSON.stringify(before.wire) === JSON.stringify(after.wire);
  }
  return !(before instanceof Unknown) && before === after;
}

function fieldSchema(
  schema: TSchema | undefined,
  key: string,
): TSchema | undefined {
  if (schema && isObjectSchema(schema)) {
    return schema.properties[key];
  }
  return schema && isRecordSchema(schema)
    ? recordValueSchema(schema)
    : undefined;
}

/** True if a part of the value would replace the resource, when the value comes or goes as a whole. */
function anyReplaces(schema: TSchema | undefined): boolean {
  if (!schema) {
    return false;
  }
  if (schema.replaces) {
    return true;
  }
  if (isObjectSchema(schema)) {
    return Object.values(schema.properties).some(anyReplaces);
  }
  return isArraySchema(schema) ? anyReplaces(schema.items) : false;
}

export function formatChange(change: Change): string {
  return formatPath(change.path);
}
