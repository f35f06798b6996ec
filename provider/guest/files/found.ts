/** What is at a path in the guest. */
export type Found =
  FoundFile | { readonly is: "none" | "link" | "folder" | "other" };

export interface FoundFile {
  readonly is: "file";
  /** SHA-256 of the content. */
  readonly hash: string;
  /** Names; a number where the guest has no name for it. */
  readonly owner: string;
  readonly group: string;
  readonly ownerId: string;
  readonly groupId: string;
  /** Four octal digits. */
  readonly mode: string;
}

/** What a file shall be. */
export interface Wanted {
  readonly hash: string;
  /** Names or numbers. */
  readonly owner: string;
  readonly group: string;
  /** Three or four octal digits. */
  readonly mode: string;
}

const kinds = ["none", "link", "file", "folder", "other"] as const;

/**
 * Reads what the guest's `look` wrote about some paths, in their order.
 *
 * @throws Error when something changed while it was looked at, or a file could not be read.
 */
export function parseFound(count: number, lines: readonly string[]): Found[] {
  const is = lines
    .slice(0, count)
    .map((line) => kinds.find((kind) => kind === line));
  const files = is.filter((kind) => kind === "file").length;
  const stats = lines.slice(count, count + files);
  // sha256sum begins a line with a backslash where it had to escape the name.
  const hashes = lines
    .slice(count + files)
    .map((line) => /^\\?([0-9a-f]{64}) /.exec(line)?.[1]);
  let next = 0;
  return is.map((kind) => {
    if (kind !== "file") {
      return { is: kind ?? broken(lines) };
    }
    const [ownerId, groupId, mode, owner, group] = (stats[next] ?? "").split(
      " ",
    );
    const hash = hashes[next++];
    if (!hash || !ownerId || !groupId || !mode || !owner || !group) {
      return broken(lines);
    }
    const named = (name: string, id: string) =>
      name === "UNKNOWN" ? id : name;
    return {
      is: "file",
      hash,
      ownerId,
      groupId,
      owner: named(owner, ownerId),
      group: named(group, groupId),
      mode: fourDigits(mode),
    };
  });
}

function broken(lines: readonly string[]): never {
  const said = lines.filter((line) => line.includes(": "));
  throw new Error(
    `the files in the guest could not be looked at: ${said.join("; ") || "they changed meanwhile"}`,
  );
}

/** A mode in the one form that is compared: `644` is `0644`. */
export function fourDigits(mode: string): string {
  return mode.padStart(4, "0").slice(-4);
}

export function hasOwner(file: FoundFile, owner: string): boolean {
  return file.owner === owner || file.ownerId === owner;
}

export function hasGroup(file: FoundFile, group: string): boolean {
  return file.group === group || file.groupId === group;
}

/** What there is to do so that the file is as wanted. */
export type Task =
  | "nothing"
  /** The content is there: owner, group or mode are not right. */
  | "copy"
  | "send";

export function taskFor(wanted: Wanted, found: Found): Task {
  if (found.is !== "file" || found.hash !== wanted.hash) {
    return "send";
  }
  return hasOwner(found, wanted.owner) &&
    hasGroup(found, wanted.group) &&
    found.mode === fourDigits(wanted.mode)
    ? "nothing"
    : "copy";
}
