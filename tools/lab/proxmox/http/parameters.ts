import { parameterError } from "./apiError";

/** What a call may carry under one name, in the words of Proxmox's JSON schema. */
export interface ParameterSchema {
  readonly type: "string" | "integer" | "number" | "boolean" | "array";
  /** Default false: the parameter must be there. */
  readonly optional?: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly values?: readonly string[];
  readonly format?: keyof typeof formats;
}

/** Schema of one parameter; undefined where there is no such one. */
export type SchemaLookup = (name: string) => ParameterSchema | undefined;

/** Parameters of a call: from path, query and body. A name that stands there again makes a list. */
export type Parameters = Readonly<Record<string, string | string[]>>;

/** Patterns of formats, each with Proxmox's words for a value that does not fit. */
const formats = {
  dnsName: {
    pattern:
      /^([a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)(\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)*$/,
    fault: "value does not look like a valid DNS name",
  },
  configId: {
    pattern: /^[a-z][a-z0-9_-]+$/i,
    fault: "invalid configuration ID",
  },
  configIdList: {
    pattern: /^[a-z][a-z0-9_-]*([,; ][a-z][a-z0-9_-]*)*$/i,
    fault: "invalid configuration ID",
  },
  poolId: { pattern: /^[A-Za-z0-9.\-_/]+$/, fault: "value does not match" },
  storageId: {
    pattern: /^[a-z][a-z0-9\-_.]*[a-z0-9]$/i,
    fault: "storage ID contains illegal characters",
  },
  node: {
    pattern: /^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$/,
    fault: "value does not look like a valid node name",
  },
  tagList: {
    pattern: /^[a-z0-9_][a-z0-9_\-+.]*([,; ][a-z0-9_][a-z0-9_\-+.]*)*$/i,
    fault: "value does not look like a valid list of tags",
  },
} as const;

/**
 * Refuses what the schema refuses, all faults at once.
 *
 * @param known the schema of a parameter by name.
 * @param names those that the schema lists, to find what is missing.
 * @throws ApiError 400 with one line for each parameter that is wrong.
 */
export function checkParameters(
  parameters: Parameters,
  known: SchemaLookup,
  names: readonly string[],
): void {
  const errors: Record<string, string> = {};
  for (const [name, value] of Object.entries(parameters)) {
    const schema = known(name);
    const fault =
      schema === undefined
        ? "property is not defined in schema and the schema does not allow additional properties"
        : faultOf(schema, value);
    if (fault !== undefined) {
      errors[name] = fault;
    }
  }
  for (const name of names) {
    if (parameters[name] === undefined && !known(name)?.optional) {
      errors[name] = "property is missing and it is not optional";
    }
  }
  if (Object.keys(errors).length > 0) {
    throw parameterError(errors);
  }
}

function faultOf(
  schema: ParameterSchema,
  value: string | string[],
): string | undefined {
  if (Array.isArray(value)) {
    return schema.type === "array"
      ? undefined
      : `type check ('${schema.type}') failed - got ARRAY`;
  }
  if (!hasType(schema, value)) {
    return `type check ('${schema.type}') failed - got '${value}'`;
  }
  return faultOfValue(schema, value);
}

function hasType({ type }: ParameterSchema, value: string): boolean {
  switch (type) {
    case "integer":
      return /^[+-]?\d+$/.test(value);
    case "number":
      return /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value);
    case "boolean":
      return booleanOf(value) !== undefined;
    default:
      return true;
  }
}

function faultOfValue(
  { type, minimum, maximum, maxLength, values, format }: ParameterSchema,
  value: string,
): string | undefined {
  if (type === "integer" || type === "number") {
    if (minimum !== undefined && Number(value) < minimum) {
      return `value must have a minimum value of ${minimum}`;
    }
    if (maximum !== undefined && Number(value) > maximum) {
      return `value must have a maximum value of ${maximum}`;
    }
  }
  if (maxLength !== undefined && value.length > maxLength) {
    return `value may only be ${maxLength} characters long`;
  }
  if (values !== undefined && !values.includes(value)) {
    return `value '${value}' does not have a value in the enumeration '${values.join(", ")}'`;
  }
  if (format !== undefined && !formats[format].pattern.test(value)) {
    return `invalid format - ${formats[format].fault}\n`;
  }
  return undefined;
}

/** A yes or no in one of the spellings that Proxmox takes. */
export function booleanOf(value: string): boolean | undefined {
  if (/^(1|on|yes|true)$/i.test(value)) {
    return true;
  }
  return /^(0|off|no|false)$/i.test(value) ? false : undefined;
}

/** The words of a list: separated by comma, semicolon, space or NUL. */
export function splitList(value: string | undefined): string[] {
  return (value ?? "").split(/[,;\s\0]+/).filter((word) => word !== "");
}
