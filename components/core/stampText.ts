import {
  type OwnershipStamp,
  shortStampId,
  STAMP_FIELDS,
  stampFields,
} from "./stamp";

/** How the stamp's line begins. Part of the contract: never changed. */
const BEGINNING = "corral-stamp:";

/** Tag of everything that Corral makes where a hypervisor has tags. */
export const CORRAL_TAG = "corral";

/**
 * The stamp as one line of plain text, for hypervisors whose objects have a description and no field
 * for metadata (Proxmox VE). Values are percent-encoded, so that blanks part them.
 *
 * @param more further fields, read again by {@link stampTextField}.
 */
export function renderStampText(
  stamp: OwnershipStamp,
  more: Readonly<Record<string, string>> = {},
): string {
  const fields = [
    ...STAMP_FIELDS.map((field) => [field, stamp[field]] as const),
    ...Object.entries(more),
  ].map(
    ([field, value]) => `${field}=${encodeURIComponent(wellFormed(value))}`,
  );
  return [BEGINNING, ...fields].join(" ");
}

/**
 * Finds the stamp's line in a text, among lines of anybody else's: the last one, because Corral
 * writes it below the user's text. Fields that it does not know are passed over.
 *
 * @returns undefined when there is none, or only one that is damaged.
 */
export function parseStampText(text: string): OwnershipStamp | undefined {
  const values = stampLine(text);
  return values && stampFields((field) => values.get(field) ?? "");
}

/** A further field of the stamp's line. */
export function stampTextField(
  text: string,
  field: string,
): string | undefined {
  return stampLine(text)?.get(field);
}

/** The tags of what carries the stamp: one for all that Corral made, one for its owner. */
export function stampTags(stampId: string): string[] {
  return [CORRAL_TAG, `${CORRAL_TAG}-${shortStampId(stampId)}`];
}

/** The fields of the last line that is a whole stamp. */
function stampLine(text: string): ReadonlyMap<string, string> | undefined {
  for (const line of text.split(/\r\n|\r|\n/).reverse()) {
    const values = parseLine(line.trim());
    if (values !== undefined) {
      return values;
    }
  }
  return undefined;
}

function parseLine(line: string): ReadonlyMap<string, string> | undefined {
  const [beginning, ...pairs] = line.split(/\s+/);
  if (beginning !== BEGINNING) {
    return undefined;
  }
  const values = new Map<string, string>();
  for (const pair of pairs) {
    const [, field, value] = /^([^=]+)=(.*)$/.exec(pair) ?? [];
    const decoded = value === undefined ? undefined : decode(value);
    if (field !== undefined && decoded !== undefined) {
      values.set(field, decoded);
    }
  }
  return STAMP_FIELDS.every((field) => values.has(field)) ? values : undefined;
}

function decode(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined; // Somebody edited the line.
  }
}

/** A half of a surrogate pair, which encodeURIComponent throws on, becomes U+FFFD. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}
