import type { SchemaObject } from "ajv";
import { compileSchemaCheck } from "@corral-iac/corral/core/schemaCheck";

/** Most faults that are told of one text: a text of another kind has one in every line. */
const MOST_FAULTS = 5;

/** What Pulumi printed is not what it prints when all is well. */
export class UnreadableError extends Error {
  constructor(
    /** What was read, for example "the preview". */
    readonly subject: string,
    readonly faults: readonly string[],
  ) {
    super(`${subject} cannot be relied on: ${faults.join("; ")}`);
    this.name = "UnreadableError";
  }
}

/**
 * Reads JSON that has to have a form. The text itself never stands in an error: it may be a state.
 *
 * @throws UnreadableError
 */
export function jsonReader<T>(
  subject: string,
  schema: SchemaObject,
): (text: string) => T {
  const check = compileSchemaCheck(schema);
  return (text) => {
    if (text.trim() === "") {
      throw new UnreadableError(subject, ["it is empty"]);
    }
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw new UnreadableError(subject, [
        `it is no JSON, or cut off (${text.length} characters)`,
      ]);
    }
    const faults = check(value).map(
      ({ path, problem }) => `${path || "the whole"} ${problem}`,
    );
    if (faults.length > 0) {
      const more = faults.length - MOST_FAULTS;
      throw new UnreadableError(subject, [
        ...faults.slice(0, MOST_FAULTS),
        ...(more > 0 ? [`and ${more} faults more`] : []),
      ]);
    }
    return value as T;
  };
}
