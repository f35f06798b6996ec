import Ajv, {
  type ErrorObject,
  type SchemaObject,
  type ValidateFunction,
} from "ajv";
import { type Fault, joinPath, show } from "./faults";
import { LATER } from "./later";
import { describeSchema } from "./schemaWords";
import { nearest } from "./nearest";

/** Checks a value against a JSON Schema and returns every fault in words. */
export type SchemaCheck = (value: unknown) => Fault[];

/**
 * Compiles a JSON Schema into a check. Values that are {@link LATER} pass. One mistake gives one
 * fault, however many rules of the schema it breaks.
 *
 * @param schema made from the TypeScript types by `npm run schema`.
 * @param secretNames names of properties whose value is never shown.
 */
export function compileSchemaCheck(
  schema: SchemaObject,
  secretNames: readonly string[] = [],
): SchemaCheck {
  let validate: ValidateFunction | undefined;
  return (value) => {
    // Compiled at first use: a program that checks nothing pays nothing.
    validate ??= new Ajv({
      allErrors: true,
      verbose: true,
      allowUnionTypes: true,
      // Words of our own are said; each rule is compiled once, wherever it is referred to.
      messages: false,
      inlineRefs: false,
      strict: false,
      // The schemas are generated; checking each against JSON Schema's own takes longer than its use.
      meta: false,
      validateSchema: false,
      code: { optimize: false },
    }).compile(schema);
    return validate(value)
      ? []
      : readable(validate.errors ?? [], value, secretNames);
  };
}

function readable(
  errors: readonly ErrorObject[],
  value: unknown,
  secretNames: readonly string[],
): Fault[] {
  const unions = errors
    .filter(({ keyword }) => keyword === "anyOf")
    .map(({ instancePath }) => instancePath);
  const faults = new Map<string, Fault>();
  for (const error of errors) {
    if (error.data !== LATER && !insideUnion(error, unions)) {
      const fault = toFault(error, value, secretNames);
      faults.set(fault.path, fault);
    }
  }
  return [...faults.values()];
}

/** What is wrong with each alternative is no help; the union's own error names them all. */
function insideUnion(
  { keyword, instancePath }: ErrorObject,
  unions: readonly string[],
): boolean {
  return (
    keyword !== "anyOf" &&
    unions.some(
      (path) => instancePath === path || instancePath.startsWith(`${path}/`),
    )
  );
}

function toFault(
  error: ErrorObject,
  value: unknown,
  secretNames: readonly string[],
): Fault {
  const keys = pointerKeys(error.instancePath);
  const path = dotted(keys, value);
  const parent = (error.parentSchema ?? {}) as SchemaObject;
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case "required":
      return {
        path: joinPath(path, String(params.missingProperty)),
        problem: "is missing",
      };
    case "additionalProperties": {
      const name = String(params.additionalProperty);
      return { path: joinPath(path, name), problem: unknownName(name, parent) };
    }
    default: {
      const secret = keys.some((key) => secretNames.includes(key));
      const was = secret
        ? "has a value that is not shown,"
        : `is ${show(error.data)},`;
      return { path, problem: `${was} must be ${describeSchema(parent)}` };
    }
  }
}

function unknownName(name: string, parent: SchemaObject): string {
  const known = Object.keys((parent.properties as object | undefined) ?? {});
  const meant = nearest(name, known);
  return [
    "is not known",
    meant === undefined ? "" : `, did you mean ${meant}?`,
    known.length === 0 ? "" : `; known here: ${known.join(", ")}`,
  ].join("");
}

/** The keys of a JSON pointer (RFC 6901). */
function pointerKeys(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** `machines.web.disks[0]`: positions stand in brackets where the value is a list. */
function dotted(keys: readonly string[], value: unknown): string {
  let path = "";
  let inner = value;
  for (const key of keys) {
    path = Array.isArray(inner) ? `${path}[${key}]` : joinPath(path, key);
    inner = (inner as Record<string, unknown> | undefined)?.[key];
  }
  return path;
}
