import { Kind, OptionalKind } from "@sinclair/typebox";
import type { TArray, TObject, TRecord, TSchema } from "@sinclair/typebox";

import { Secret, fromPlain, isList, isMap, isSecret, unwrap } from "./value";
import { OutputValue } from "./value";
import type { PropertyMap, PropertyValue } from "./value";

export function isObjectSchema(schema: TSchema): schema is TObject {
  return schema[Kind] === "Object";
}

export function isArraySchema(schema: TSchema): schema is TArray {
  return schema[Kind] === "Array";
}

export function isRecordSchema(schema: TSchema): schema is TRecord {
  return schema[Kind] === "Record";
}

/** The schema of a map's values. */
export function recordValueSchema(schema: TRecord): TSchema {
  return Object.values(schema.patternProperties)[0] as TSchema;
}

export function isOptional(schema: TSchema): boolean {
  return OptionalKind in schema;
}

/**
 * Brings inputs into the one form that check, diff and state use: fields that are `null` left out,
 * defaults filled in, values that the schema calls secret wrapped as such. All wrapping that was
 * there stays, but around an object with `secretParts`: a program that has it as one Output can only
 * make all of it a secret, and no message could name what is in it.
 */
export function normalize(schema: TObject, inputs: PropertyMap): PropertyMap {
  return normalizeFields(schema, inputs);
}

function normalizeFields(schema: TObject, fields: PropertyMap): PropertyMap {
  const result: Record<string, PropertyValue> = {};
  for (const [key, value] of Object.entries(fields)) {
    if (unwrap(value) === null) {
      continue;
    }
    const property = schema.properties[key];
    result[key] = property ? normalizeValue(property, value) : value;
  }
  for (const [key, property] of Object.entries(schema.properties)) {
    if (!Object.hasOwn(result, key) && property.default !== undefined) {
      result[key] = normalizeValue(property, fromPlain(property.default));
    }
  }
  return result;
}

function normalizeValue(schema: TSchema, value: PropertyValue): PropertyValue {
  const normal = normalizeInside(
    schema,
    schema.secretParts ? opened(value) : value,
  );
  return schema.secret && !isSecret(normal) ? new Secret(normal) : normal;
}

/** The value without its secret: its parts that are secrets are known by the schema. */
function opened(value: PropertyValue): PropertyValue {
  if (value instanceof Secret) {
    return opened(value.value);
  }
  return value instanceof OutputValue
    ? new OutputValue(opened(value.value), false, value.dependencies)
    : value;
}

function normalizeInside(schema: TSchema, value: PropertyValue): PropertyValue {
  if (value instanceof Secret) {
    return new Secret(normalizeInside(schema, value.value));
  }
  if (value instanceof OutputValue) {
    const inner = normalizeInside(schema, value.value);
    return new OutputValue(inner, value.secret, value.dependencies);
  }
  if (isList(value) && isArraySchema(schema)) {
    return value.map((element) => normalizeValue(schema.items, element));
  }
  if (isMap(value) && isObjectSchema(schema)) {
    return normalizeFields(schema, value);
  }
  if (isMap(value) && isRecordSchema(schema)) {
    const element = recordValueSchema(schema);
    const result: Record<string, PropertyValue> = {};
    for (const [key, field] of Object.entries(value)) {
      if (unwrap(field) !== null) {
        result[key] = normalizeValue(element, field);
      }
    }
    return result;
  }
  return value;
}

/** Wraps the outputs that the schema calls secret, and any other that holds a secret of `holdsSecret`. */
export function markSecretOutputs(
  schema: TObject,
  outputs: PropertyMap,
  holdsSecret: (value: PropertyValue) => boolean,
): PropertyMap {
  const result: Record<string, PropertyValue> = {};
  for (const [key, value] of Object.entries(normalizeFields(schema, outputs))) {
    result[key] =
      !isSecret(value) && holdsSecret(value) ? new Secret(value) : value;
  }
  return result;
}
