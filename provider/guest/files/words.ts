import { createHash } from "node:crypto";

/** A text as one word of a line that a POSIX shell evaluates; `$nl` has to be a line feed there. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`).replaceAll("\n", `'"$nl"'`)}'`;
}

/** A line that calls a function of the guest's script. */
export function line(
  command: string,
  ...words: readonly (string | number)[]
): string {
  return [command, ...words.map((word) => quote(String(word)))].join(" ");
}

/** The name that a path has in the store. */
export function keyOf(path: string): string {
  return createHash("sha256").update(path).digest("hex").slice(0, 32);
}
