import { jsonReader } from "../engine/readJson";

/** A run of the engine that changed the stack. */
export interface Run {
  readonly version: number;
  /** `update`, `destroy`, `refresh`. */
  readonly kind: string;
  /** `succeeded`, `failed`, `in-progress`. */
  readonly result: string;
  /** RFC 3339. */
  readonly startedAt: string;
  /** Missing while it runs, and for one that was cut off. */
  readonly endedAt?: string;
  readonly seconds?: number;
}

interface Printed {
  readonly version: number;
  readonly kind: string;
  readonly result: string;
  readonly startTime: string;
  readonly endTime?: string;
}

const read = jsonReader<readonly Printed[] | null>("the stack's history", {
  type: ["array", "null"],
  items: {
    type: "object",
    required: ["kind", "result", "startTime"],
    properties: {
      version: { type: "integer" },
      kind: { type: "string" },
      result: { type: "string" },
      startTime: { type: "string" },
      endTime: { type: "string" },
    },
  },
});

/**
 * Reads what `pulumi stack history --json` printed, the newest first. Its configuration is left out.
 *
 * @throws UnreadableError when it is none.
 */
export function readHistory(text: string): Run[] {
  return (read(text) ?? []).map(
    ({ version, kind, result, startTime, endTime }) => {
      const start = Date.parse(startTime);
      const end = endTime === undefined ? NaN : Date.parse(endTime);
      return {
        version,
        kind,
        result,
        startedAt: startTime,
        // A run that was cut off has the beginning of time.
        ...(end >= start && {
          endedAt: endTime,
          seconds: (end - start) / 1000,
        }),
      };
    },
  );
}
