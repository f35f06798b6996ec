import { Kind } from "@sinclair/typebox";
import type { TObject, TRecord, TSchema } from "@sinclair/typebox";

import type { AnyResource } from "./define";
import { isObjectSchema, isOptional, recordValueSchema } from "./normalize";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

export interface PackageFacts {
  readonly name: string;
  readonly version: string;
  readonly displayName: string;
  readonly description: string;
  readonly license: string;
}

/** The package's schema in Pulumi's own form, made from the definitions. */
export function pulumiSchema(
  facts: PackageFacts,
  resources: readonly AnyResource[],
): JsonObject {
  const types: JsonObject = {};
  const resourceSpecs: JsonObject = {};
  for (const resource of resources) {
    const inputs = objectSpec(facts.name, resource.inputs, types);
    const outputs = objectSpec(facts.name, resource.outputs, types);
    resourceSpecs[resource.token] = {
      description: resource.description,
      properties: outputs.properties,
      required: outputs.required,
      inputProperties: inputs.properties,
      requiredInputs: inputs.required,
    };
  }
  return {
    name: facts.name,
    displayName: facts.displayName,
    version: facts.version,
    description: facts.description,
    license: facts.license,
    types: sorted(types),
    provider: { description: "corral-ops needs no configuration." },
    resources: sorted(resourceSpecs),
  };
}

/** The same as a text to read and to keep: indented, the keys in a fixed order. */
export function schemaText(
  facts: PackageFacts,
  resources: readonly AnyResource[],
): string {
  return `${JSON.stringify(pulumiSchema(facts, resources), null, 2)}\n`;
}

function objectSpec(
  packageName: string,
  schema: TObject,
  types: JsonObject,
): { properties: JsonObject; required: string[] } {
  const properties: JsonObject = {};
  for (const [name, property] of Object.entries(schema.properties)) {
    properties[name] = propertySpec(packageName, property, types);
  }
  const required = Object.entries(schema.properties)
    .filter(
      ([, property]) => !isOptional(property) && property.default === undefined,
    )
    .map(([name]) => name)
    .sort();
  return { properties: sorted(properties), required };
}

function propertySpec(
  packageName: string,
  schema: TSchema,
  types: JsonObject,
): JsonObject {
  return {
    ...typeSpec(packageName, schema, types),
    ...(schema.description ? { description: schema.description } : {}),
    ...(schema.default !== undefined
      ? { default: schema.default as Json }
      : {}),
    ...(schema.secret ? { secret: true } : {}),
    ...(schema.replaces ? { willReplaceOnChanges: true } : {}),
  };
}

function typeSpec(
  packageName: string,
  schema: TSchema,
  types: JsonObject,
): JsonObject {
  switch (schema[Kind]) {
    case "String":
      return { type: "string" };
    case "Boolean":
      return { type: "boolean" };
    case "Integer":
      return { type: "integer" };
    case "Number":
      return { type: "number" };
    case "Array":
      return {
        type: "array",
        items: typeSpec(packageName, schema.items as TSchema, types),
      };
    case "Asset":
      return { $ref: "pulumi.json#/Asset" };
    case "Record": {
      const element = recordValueSchema(schema as unknown as TRecord);
      return {
        type: "object",
        additionalProperties: typeSpec(packageName, element, types),
      };
    }
    case "Union":
      return reference(packageName, schema, types, enumSpec(schema));
    case "Object": {
      if (!isObjectSchema(schema)) {
        break;
      }
      const { properties, required } = objectSpec(packageName, schema, types);
      return reference(packageName, schema, types, {
        type: "object",
        properties,
        ...(required.length > 0 ? { required } : {}),
      });
    }
  }
  throw new Error(
    `the schema has no counterpart for the type ${String(schema[Kind])}`,
  );
}

/** Puts a named type into the table, and refers to it. */
function reference(
  packageName: string,
  schema: TSchema,
  types: JsonObject,
  spec: JsonObject,
): JsonObject {
  if (!schema.title) {
    throw new Error(`a nested type needs a title: ${JSON.stringify(spec)}`);
  }
  const token = `${packageName}:index:${schema.title}`;
  const present = types[token];
  if (
    present !== undefined &&
    JSON.stringify(present) !== JSON.stringify(spec)
  ) {
    throw new Error(`two different types are called ${token}`);
  }
  types[token] = spec;
  return { $ref: `#/types/${token}` };
}

function enumSpec(schema: TSchema): JsonObject {
  const values = (schema.anyOf as TSchema[]).map(
    (option) => option.const as string,
  );
  return { type: "string", enum: values.map((value) => ({ value })) };
}

function sorted(object: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
