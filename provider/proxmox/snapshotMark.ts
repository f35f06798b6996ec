/** What a snapshot's description says of who made it. */
export interface SnapshotMark {
  /** Random, made anew for each snapshot. */
  readonly id: string;
  /** The resource's URN when it was made. */
  readonly urn: string;
}

const BEGINNING = "corral-snapshot:";

/** The user's description with the mark as its last line. */
export function markedDescription(
  description: string,
  { id, urn }: SnapshotMark,
): string {
  const line = `${BEGINNING} id=${id} urn=${encodeURIComponent(urn)}`;
  return description === "" ? line : `${description}\n${line}`;
}

/** Takes a description apart again. Line ends that Proxmox VE adds are dropped. */
export function readDescription(text: string): {
  readonly description: string;
  readonly mark: SnapshotMark | undefined;
} {
  const lines = text.trimEnd().split(/\r?\n/);
  const index = lines.findIndex((line) => line.startsWith(BEGINNING));
  const [, id, urn] =
    /^\S+ id=(\S+) urn=(\S+)$/.exec(lines[index]?.trim() ?? "") ?? [];
  const description = lines
    .filter((_, position) => position !== index)
    .join("\n")
    .trimEnd();
  return id === undefined || urn === undefined
    ? { description: text.trimEnd(), mark: undefined }
    : { description, mark: { id, urn: decode(urn) } };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // Somebody edited the line.
  }
}
