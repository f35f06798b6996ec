import { errorsOf, SECRET, type Step, type StepState } from "./previewDigest";
import { jsonReader, UnreadableError } from "./readJson";

/** What a refresh found, resource by resource. */
export interface RefreshResult {
  /** One for each resource that was read: `same`, `update` (it differs) or `delete` (it is gone). */
  readonly steps: readonly Step[];
  /** Why some resources could not be read; empty when all could. */
  readonly errors: readonly string[];
}

interface Metadata {
  readonly op: Step["op"];
  readonly urn: string;
  readonly old?: StepState | null;
  readonly new?: StepState | null;
  readonly diffs?: readonly string[] | null;
  readonly detailedDiff?: Step["detailedDiff"];
}

interface Event {
  readonly resOutputsEvent?: { readonly metadata: Metadata };
  readonly diagnosticEvent?: {
    readonly prefix?: string;
    readonly message?: string;
    readonly severity?: string;
  };
  readonly summaryEvent?: {
    readonly isPreview?: boolean;
    readonly result?: string;
    readonly resourceChanges?: Readonly<Record<string, number>>;
  };
}

const SUBJECT = "the preview of the refresh";

const readEvent = jsonReader<Event>(SUBJECT, {
  type: "object",
  properties: {
    resOutputsEvent: {
      type: "object",
      required: ["metadata"],
      properties: {
        metadata: {
          type: "object",
          required: ["op", "urn"],
          properties: {
            op: { type: "string" },
            urn: { type: "string" },
            old: { type: ["object", "null"] },
            new: { type: ["object", "null"] },
          },
        },
      },
    },
    summaryEvent: { type: "object" },
    diagnosticEvent: { type: "object" },
  },
});

/**
 * Reads the events that `pulumi refresh --preview-only --json` prints, one on each line, with
 * PULUMI_ENABLE_STREAMING_JSON_PREVIEW. Its other form, one document, calls a resource unchanged
 * that differs, when its provider gives no detailed diff (seen with CLI 3.259 and a bridged
 * provider).
 *
 * @throws UnreadableError when that is not what the text is, or it is not complete.
 */
export function readRefresh(text: string): RefreshResult {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (lines.length === 0) {
    throw new UnreadableError(SUBJECT, ["it is empty"]);
  }
  const events = lines.map(readEvent);
  const summary = events.find((event) => event.summaryEvent)?.summaryEvent;
  const diagnostics = events.flatMap(
    ({ diagnosticEvent }) => diagnosticEvent ?? [],
  );
  const errors = errorsOf({ diagnostics });
  if (summary === undefined && errors.length === 0) {
    throw new UnreadableError(SUBJECT, [
      "it has no summary: it did not come to its end",
    ]);
  }
  const steps = events.flatMap(({ resOutputsEvent }) =>
    resOutputsEvent ? [stepOf(resOutputsEvent.metadata)] : [],
  );
  for (const op of ["update", "delete"] as const) {
    const there = steps.filter((step) => step.op === op).length;
    const said = summary?.resourceChanges?.[op] ?? 0;
    if (there < said) {
      throw new UnreadableError(SUBJECT, [
        `its summary counts ${said} of "${op}", and ${there} are there`,
      ]);
    }
  }
  return {
    steps,
    errors:
      errors.length === 0 && summary?.result === "failed"
        ? ["Pulumi says that it failed, and not why"]
        : errors,
  };
}

function stepOf({ op, urn, old, new: real, diffs, detailedDiff }: Metadata) {
  return {
    op,
    urn,
    oldState: blinded(old),
    newState: blinded(real),
    diffReasons: diffs,
    detailedDiff,
  };
}

function blinded(state: StepState | null | undefined): StepState | undefined {
  return state ? (withoutSecrets(state) as StepState) : undefined;
}

/** The engine's mark of a secret in a serialized property. */
const SIGNATURE_KEY = "4dabf18193072939515e22adb298388d";
const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";

/** Events hold secrets as marked, blinded mappings; a preview's document as the text `[secret]`. */
function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(withoutSecrets);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const mapping = value as Record<string, unknown>;
  return mapping[SIGNATURE_KEY] === SECRET_SIGNATURE
    ? SECRET
    : Object.fromEntries(
        Object.entries(mapping).map(([key, inner]) => [
          key,
          withoutSecrets(inner),
        ]),
      );
}
