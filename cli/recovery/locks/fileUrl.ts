import * as os from "node:os";
import * as path from "node:path";

const SCHEME = "file://";

/**
 * The folder of a `file://` backend, as Pulumi understands it: absolute, `file://~` for the home
 * of the user, or relative to where pulumi runs. Parameters behind a `?` say how files are written,
 * not where.
 */
export function folderOf(
  url: string,
  workingFolder: string,
  home: string = os.userInfo().homedir,
): string {
  const [location = ""] = url.slice(SCHEME.length).split(/[?#]/);
  const folder = decodeURIComponent(location);
  return folder.startsWith("~")
    ? path.join(home, folder.slice(2))
    : path.resolve(workingFolder, folder);
}
