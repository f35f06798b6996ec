/**
 * Edits /etc/fstab (https://man7.org/linux/man-pages/man5/fstab.5.html). Its text is handled as bytes,
 * one character each ("latin1"), because lines of others may be in any encoding; paths and sources of
 * entries are proper text.
 */

/** One entry: what is mounted where, and how. */
export interface FstabEntry {
  readonly source: string;
  readonly mountPoint: string;
  readonly type: string;
  readonly options: readonly string[];
  /** The last two fields, dump and fsck order. Default `0 0`. */
  readonly rest?: string;
}

interface Line {
  /** With its line break, if it has one. */
  readonly text: string;
  /** Undefined for comments and what no parser takes for an entry. */
  readonly entry: FstabEntry | undefined;
}

/**
 * The mark of a line that is ours. `comment=` is what fstab(5) sets apart for programs that maintain
 * the file; mount of util-linux and of busybox pass over it (busybox refuses `x-...`).
 */
export function ownMark(id: string): string {
  return `comment=${id}`;
}

/** The entry of ours with this id; the first, should there be several. */
export function ownEntry(text: string, id: string): FstabEntry | undefined {
  return linesOf(text).find(isOwn(id))?.entry;
}

/** Lines of others for a mount point, as they stand in the file. */
export function linesOfOthersFor(
  text: string,
  mountPoint: string,
  id: string,
): string[] {
  const own = isOwn(id);
  return linesOf(text)
    .filter((line) => line.entry?.mountPoint === mountPoint && !own(line))
    .map((line) => asText(line.text).trim());
}

/**
 * The text with exactly one entry of ours: in the place of the one that was there, else at the end.
 * Lines of others stay as they are, but for a line break that the last one lacks.
 */
export function withEntry(text: string, id: string, entry: FstabEntry): string {
  const own = isOwn(id);
  const lines = linesOf(text);
  const ours = renderEntry(entry, id);
  const first = lines.findIndex(own);
  if (first < 0) {
    const gap = text === "" || text.endsWith("\n") ? "" : "\n";
    return `${text}${gap}${ours}\n`;
  }
  return lines
    .filter((line, index) => index === first || !own(line))
    .map((line) => (own(line) ? `${ours}\n` : line.text))
    .join("");
}

/** The text without any entry of ours. */
export function withoutEntry(text: string, id: string): string {
  const own = isOwn(id);
  return linesOf(text)
    .filter((line) => !own(line))
    .map((line) => line.text)
    .join("");
}

/** The line of an entry, without its line break, as bytes. */
export function renderEntry(entry: FstabEntry, id: string): string {
  return [
    escape(entry.source),
    escape(entry.mountPoint),
    escape(entry.type),
    escape([...entry.options, ownMark(id)].join(",")),
    entry.rest ?? "0 0",
  ].join(" ");
}

/** The options of an entry without the mark. */
export function plainOptions(entry: FstabEntry, id: string): string[] {
  return entry.options.filter((option) => option !== ownMark(id));
}

function isOwn(id: string): (line: Line) => boolean {
  return ({ entry }) => entry?.options.includes(ownMark(id)) === true;
}

function linesOf(text: string): Line[] {
  return (text.match(/[^\n]*\n|[^\n]+$/g) ?? []).map((line) => ({
    text: line,
    entry: parseLine(line),
  }));
}

function parseLine(line: string): FstabEntry | undefined {
  const [source = "", mountPoint, type, options = "defaults", ...rest] = line
    .replace(/\r?\n$/, "")
    .split(/[ \t]+/)
    .filter((field) => field !== "");
  if (
    source.startsWith("#") ||
    mountPoint === undefined ||
    type === undefined
  ) {
    return undefined;
  }
  return {
    source: unescape(source),
    mountPoint: plainPath(unescape(mountPoint)),
    type: unescape(type),
    options: unescape(options).split(","),
    rest: rest.length === 0 ? "0 0" : rest.join(" "),
  };
}

/** `/srv//data/` is `/srv/data` to mount. */
function plainPath(path: string): string {
  return path.replace(/\/+/g, "/").replace(/(.)\/$/, "$1");
}

/** What separates fields is written as its octal code. */
function escape(text: string): string {
  return Buffer.from(text, "utf8")
    .toString("latin1")
    .replace(
      /[ \t\n\\]/g,
      (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`,
    );
}

/** The text of a field, of fstab and of the kernel's mount table alike. */
export function unescape(field: string): string {
  return asText(
    field.replace(/\\([0-3][0-7]{2})/g, (_all, code: string) =>
      String.fromCharCode(parseInt(code, 8)),
    ),
  );
}

function asText(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}
