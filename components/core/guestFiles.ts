import { posix } from "node:path";

/** Rules for files in a guest, shared by the component and the provider. */

/** A user or a group: a name or a number, as chown takes it. */
export const OWNER_PATTERN = "^[^\\s:\\u0000]+$";
export const OWNER_ALLOWED = "a name or a number, without spaces and colons";

/** Permissions, three or four octal digits. */
export const MODE_PATTERN = "^[0-7]{3,4}$";
export const MODE_ALLOWED = 'octal permissions such as "0644"';

const LONGEST_NAME_BYTES = 255;
const LONGEST_PATH_BYTES = 4000;

/** What is wrong with the path of a file in a guest; undefined if nothing is. */
export function destinationProblem(path: string): string | undefined {
  if (!path.startsWith("/")) {
    return "must be an absolute path";
  }
  if (path.endsWith("/")) {
    return "must name the file, not the folder that it lies in";
  }
  if (path.includes("\0")) {
    return "must not hold a NUL character";
  }
  if (path !== posix.normalize(path)) {
    return `must be written without . and .. and double slashes: ${posix.normalize(path)}`;
  }
  const tooLong =
    Buffer.byteLength(path) > LONGEST_PATH_BYTES ||
    path
      .split("/")
      .some((name) => Buffer.byteLength(name) > LONGEST_NAME_BYTES);
  return tooLong
    ? `must have names of at most ${LONGEST_NAME_BYTES} bytes, ${LONGEST_PATH_BYTES} in all`
    : undefined;
}

/** The folders that a path lies in, from the top, without the root: of `/a/b/c` `/a` and `/a/b`. */
export function foldersAbove(path: string): string[] {
  const above: string[] = [];
  for (
    let folder = posix.dirname(path);
    folder !== "/" && folder !== ".";
    folder = posix.dirname(folder)
  ) {
    above.unshift(folder);
  }
  return above;
}

/** Pairs of which the first would have to be a file and the folder of the second. */
export function nestedDestinations(
  paths: readonly string[],
): { file: string; inside: string }[] {
  const files = new Set(paths);
  return paths.flatMap((inside) =>
    foldersAbove(inside)
      .filter((folder) => files.has(folder))
      .map((file) => ({ file, inside })),
  );
}
