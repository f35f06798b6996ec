import { jsonReader, UnreadableError } from "./readJson";
import { parseUrn } from "./urn";

/** What stands in a preview for a secret. */
export const SECRET = "[secret]";

/** What stands in a preview for a value that is not known yet. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Everything the engine does to a resource, in the words of `pulumi preview --json`. */
export const OPERATIONS = [
  "same",
  "create",
  "update",
  "delete",
  "replace",
  "create-replacement",
  "delete-replaced",
  "read",
  "read-replacement",
  "refresh",
  "discard",
  "discard-replaced",
  "remove-pending-replace",
  "import",
  "import-replacement",
  "diff",
  "extend-parameterize",
] as const;

export type Operation = (typeof OPERATIONS)[number];

/** A resource before or after a step. Secrets in it read `[secret]`. */
export interface StepState {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly parent?: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
  /** Read and not managed: deleting it forgets it. */
  readonly external?: boolean;
  readonly retainOnDelete?: boolean;
}

/** What the engine would do to one resource. */
export interface Step {
  readonly op: Operation;
  readonly urn: string;
  readonly oldState?: StepState;
  readonly newState?: StepState;
  /** Names of the arguments that force a replacement. */
  readonly replaceReasons?: readonly string[] | null;
  /** Names of the arguments that differ; less exact than `detailedDiff`. */
  readonly diffReasons?: readonly string[] | null;
  /** What differs, by path of the property. */
  readonly detailedDiff?: Readonly<
    Record<string, { readonly kind: string; readonly inputDiff: boolean }>
  > | null;
}

/** Something the engine said. */
export interface Diagnostic {
  readonly urn?: string;
  readonly prefix?: string;
  readonly message?: string;
  readonly severity?: string;
}

/** What `pulumi preview --json` prints. */
export interface PreviewDigest {
  readonly steps: readonly Step[];
  readonly diagnostics: readonly Diagnostic[];
  readonly changeSummary: Readonly<Partial<Record<Operation, number>>>;
}

const STATE = {
  type: "object",
  required: ["urn", "type"],
  properties: {
    urn: { type: "string" },
    type: { type: "string" },
    id: { type: "string" },
    parent: { type: "string" },
    inputs: { type: "object" },
    outputs: { type: "object" },
    external: { type: "boolean" },
    retainOnDelete: { type: "boolean" },
  },
};

const SCHEMA = {
  type: "object",
  properties: {
    steps: {
      type: "array",
      items: {
        type: "object",
        required: ["op", "urn"],
        properties: {
          op: { type: "string", enum: OPERATIONS },
          urn: { type: "string" },
          oldState: STATE,
          newState: STATE,
          replaceReasons: {
            type: ["array", "null"],
            items: { type: "string" },
          },
          diffReasons: { type: ["array", "null"], items: { type: "string" } },
          detailedDiff: { type: ["object", "null"] },
        },
      },
    },
    diagnostics: { type: "array", items: { type: "object" } },
    changeSummary: {
      type: "object",
      additionalProperties: { type: "integer" },
    },
    maybeCorrupt: { type: "boolean" },
  },
};

const SUBJECT = "the preview";

type Printed = Partial<PreviewDigest> & { readonly maybeCorrupt?: boolean };

const read = jsonReader<Printed>(SUBJECT, SCHEMA);

/** Operations whose steps must be as many as the summary says: a lost one could do harm. */
const COUNTED: readonly Operation[] = ["create", "update", "delete", "replace"];

/**
 * Reads what `pulumi preview --json` printed.
 *
 * @throws UnreadableError when it is no such JSON, incomplete, or contradicts itself.
 */
export function readPreview(text: string): PreviewDigest {
  const printed = read(text);
  const { steps = [], diagnostics = [], changeSummary } = printed;
  const failed = errorsOf({ diagnostics });
  if (failed.length > 0 && changeSummary === undefined) {
    // A run that failed has no summary: its own words say more than that.
    return { steps, diagnostics, changeSummary: {} };
  }
  const faults = [
    ...(changeSummary === undefined
      ? ["it has no changeSummary: it did not come to its end"]
      : countFaults(steps, changeSummary)),
    ...(printed.maybeCorrupt
      ? ["Pulumi says that resources may be corrupt (maybeCorrupt)"]
      : []),
    ...steps
      .filter(({ urn }) => parseUrn(urn) === undefined)
      .map(({ urn }) => `"${urn.slice(0, 200)}" is no URN`),
  ];
  if (faults.length > 0) {
    throw new UnreadableError(SUBJECT, faults);
  }
  return { steps, diagnostics, changeSummary: changeSummary ?? {} };
}

function countFaults(
  steps: readonly Step[],
  summary: Readonly<Record<string, number>>,
): string[] {
  return COUNTED.flatMap((op) => {
    const there = steps.filter((step) => step.op === op).length;
    const said = summary[op] ?? 0;
    return there < said
      ? [`its summary counts ${said} of "${op}", and ${there} are there`]
      : [];
  });
}

/** The messages of errors, each once. */
export function errorsOf({
  diagnostics,
}: Pick<PreviewDigest, "diagnostics">): string[] {
  const messages = diagnostics
    .filter(({ severity }) => severity === "error")
    .map(({ prefix = "", message = "" }) => `${prefix}${message}`.trim())
    .map((message) => message || "an error without a text");
  return [...new Set(messages)];
}
