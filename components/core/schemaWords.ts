import type { SchemaObject } from "ajv";
import { show } from "./faults";

/** What a JSON Schema allows, in words that stand after "must be". */
export function describeSchema(schema: SchemaObject): string {
  if (Array.isArray(schema.enum)) {
    return `one of ${schema.enum.map(show).join(", ")}`;
  }
  if (schema.const !== undefined) {
    return show(schema.const);
  }
  if (Array.isArray(schema.anyOf)) {
    return (schema.anyOf as SchemaObject[])
      .map(describeAlternative)
      .join(", or ");
  }
  if (typeof schema.pattern === "string") {
    return `text of the form ${schema.pattern}`;
  }
  const type = describeType(schema.type);
  return [type, describeRange(schema)].filter((part) => part !== "").join(" ");
}

/** A form that is declared by name is known to the user by what it looks like. */
function describeAlternative(schema: SchemaObject): string {
  if (typeof schema.$ref !== "string") {
    return describeSchema(schema);
  }
  return schema.$ref.endsWith("/FromConfig")
    ? "`fromConfig: KEY`"
    : "a mapping";
}

function describeType(type: unknown): string {
  const words: Record<string, string> = {
    object: "a mapping",
    array: "a list",
    string: "text",
    number: "a number",
    integer: "a whole number",
    boolean: "true or false",
  };
  return [type]
    .flat()
    .map((one) => words[String(one)] ?? String(one))
    .join(" or ");
}

function describeRange(schema: SchemaObject): string {
  const { minimum, maximum, maxItems } = schema as {
    minimum?: number;
    maximum?: number;
    maxItems?: number;
  };
  if (maxItems !== undefined) {
    return `of at most ${maxItems} items`;
  }
  if (minimum !== undefined && maximum !== undefined) {
    return `from ${minimum} to ${maximum}`;
  }
  if (minimum !== undefined) {
    return `of at least ${minimum}`;
  }
  return maximum === undefined ? "" : `of at most ${maximum}`;
}
