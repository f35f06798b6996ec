import { Kind } from "@sinclair/typebox";
import type { TObject, TSchema } from "@sinclair/typebox";
import { Errors, ValueErrorType } from "@sinclair/typebox/errors";

import type { AnyResource, Fault } from "./define";
import {
  isArraySchema,
  isObjectSchema,
  isRecordSchema,
  normalize,
} from "./normalize";
import { formatPath, lookUp } from "./paths";
import type { Segment } from "./paths";
import { Asset, Opaque, Unknown, isMap, plain, unwrap } from "./value";
import type { PropertyMap } from "./value";

export interface Checked {
  /** The inputs with defaults and secrets as the schema has them. */
  readonly inputs: PropertyMap;
  readonly faults: Fault[];
}

/** Checks all inputs of a resource and returns every fault at once. */
export function checkInputs(resource: AnyResource, sent: PropertyMap): Checked {
  const inputs = normalize(resource.inputs, sent);
  const content = plain(inputs);
  const faults = schemaFaults(resource.inputs, inputs, content);
  // Checks across fields may rely on the fields' types, so they need those to be right.
  if (resource.checks && !faults.some((fault) => fault.typeIsWrong)) {
    const sound = content as Parameters<NonNullable<AnyResource["checks"]>>[0];
    faults.push(
      ...resource
        .checks(sound)
        .map((fault) => ({ ...fault, typeIsWrong: false })),
    );
  }
  return {
    inputs,
    faults: faults.map(({ path, reason }) => ({ path, reason })),
  };
}

interface SchemaFault extends Fault {
  readonly typeIsWrong: boolean;
}

const limitErrors = new Set([
  ValueErrorType.IntegerMinimum,
  ValueErrorType.IntegerMaximum,
  ValueErrorType.NumberMinimum,
  ValueErrorType.NumberMaximum,
  ValueErrorType.StringMinLength,
  ValueErrorType.StringMaxLength,
  ValueErrorType.StringPattern,
  ValueErrorType.ArrayMinItems,
  ValueErrorType.ArrayMaxItems,
  ValueErrorType.Union,
]);

function schemaFaults(
  schema: TObject,
  inputs: PropertyMap,
  content: unknown,
): SchemaFault[] {
  const byPath = new Map<string, SchemaFault>();
  for (const error of Errors(schema, content)) {
    const segments = pointerSegments(error.path, content);
    const path = formatPath(segments);
    if (byPath.has(path) || isUnknownAt(inputs, segments)) {
      continue;
    }
    const parent = schemaAt(schema, segments.slice(0, -1));
    byPath.set(path, {
      path,
      reason: explain(error.type, error.schema, parent, inputs, segments),
      typeIsWrong: !limitErrors.has(error.type),
    });
  }
  return [...byPath.values()];
}

function explain(
  type: ValueErrorType,
  schema: TSchema,
  parent: TSchema | undefined,
  inputs: PropertyMap,
  segments: readonly Segment[],
): string {
  const name = String(segments[segments.length - 1]);
  if (type === ValueErrorType.ObjectRequiredProperty) {
    return `is missing; it must be ${allowed(schema)}`;
  }
  if (
    type === ValueErrorType.ObjectAdditionalProperties &&
    parent &&
    isObjectSchema(parent)
  ) {
    const known = Object.keys(parent.properties);
    const near = nearest(name, known);
    const guess = near ? ` (did you mean "${near}"?)` : "";
    return `is not a known field${guess}; known are: ${known.join(", ")}`;
  }
  const { value, secret } = lookUp(inputs, segments);
  const shown = secret
    ? "its value (a secret, not shown)"
    : show(plain(value ?? null));
  return `is ${shown}; it must be ${allowed(schema)}`;
}

function show(value: unknown): string {
  if (value instanceof Asset) {
    return "an asset";
  }
  if (value instanceof Opaque) {
    return "a resource or an archive";
  }
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

/** What a schema allows, in words. */
export function allowed(schema: TSchema): string {
  if (schema.allowed) {
    return schema.allowed;
  }
  switch (schema[Kind]) {
    case "Union":
      return `one of ${(schema.anyOf as TSchema[]).map((option) => allowed(option)).join(", ")}`;
    case "Literal":
      return JSON.stringify(schema.const);
    case "Integer":
      return `a whole number${range(schema.minimum, schema.maximum)}`;
    case "Number":
      return `a number${range(schema.minimum, schema.maximum)}`;
    case "Boolean":
      return "true or false";
    case "String":
      return `a text${lengthLimits(schema)}${schema.pattern ? ` that matches ${schema.pattern}` : ""}`;
    case "Array":
      return `a list of ${allowed(schema.items as TSchema)}${range(schema.minItems, schema.maxItems, " elements")}`;
    case "Object":
      return `an object with the fields ${Object.keys(schema.properties as object).join(", ")}`;
    case "Record":
      return "a map of names to values";
    default:
      return "of the type that the documentation says";
  }
}

function range(minimum?: number, maximum?: number, unit = ""): string {
  if (minimum !== undefined && maximum !== undefined) {
    return ` from ${minimum} to ${maximum}${unit}`;
  }
  if (minimum !== undefined) {
    return `, at least ${minimum}${unit}`;
  }
  return maximum === undefined ? "" : `, at most ${maximum}${unit}`;
}

function lengthLimits(schema: TSchema): string {
  if (schema.minLength === 1 && schema.maxLength === undefined) {
    return " that is not empty";
  }
  const limits = range(schema.minLength, schema.maxLength, " characters");
  return limits.startsWith(" from") ? ` of${limits.slice(5)}` : limits;
}

/** JSON pointer to segments; what indexes a list becomes a number. */
function pointerSegments(pointer: string, root: unknown): Segment[] {
  let value = root;
  return pointer
    .split("/")
    .slice(1)
    .map((escaped) => {
      const name = escaped.replace(/~1/g, "/").replace(/~0/g, "~");
      const segment = Array.isArray(value) ? Number(name) : name;
      value =
        typeof value === "object" && value !== null
          ? (value as Record<string, unknown>)[name]
          : undefined;
      return segment;
    });
}

function schemaAt(
  root: TSchema,
  segments: readonly Segment[],
): TSchema | undefined {
  let schema: TSchema | undefined = root;
  for (const segment of segments) {
    if (schema && isObjectSchema(schema)) {
      schema = schema.properties[segment];
    } else if (schema && isArraySchema(schema)) {
      schema = schema.items;
    } else if (schema && isRecordSchema(schema)) {
      schema = Object.values(schema.patternProperties)[0];
    } else {
      return undefined;
    }
  }
  return schema;
}

/** A value that is not known yet is right until it is known. */
function isUnknownAt(
  inputs: PropertyMap,
  segments: readonly Segment[],
): boolean {
  for (let length = 1; length <= segments.length; length++) {
    const { value } = lookUp(inputs, segments.slice(0, length));
    if (value !== undefined && unwrap(value) instanceof Unknown) {
      return true;
    }
    if (
      value === undefined ||
      (!isMap(unwrap(value)) && !Array.isArray(unwrap(value)))
    ) {
      return false;
    }
  }
  return false;
}

function nearest(name: string, known: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(name.length / 3));
  return known
    .map((candidate) => ({
      candidate,
      distance: editDistance(name, candidate),
    }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance)[0]?.candidate;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(
        Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution),
      );
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
