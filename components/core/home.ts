import * as os from "node:os";
import * as path from "node:path";

/**
 * The one folder outside the clone where Corral keeps what is slow to make: built tools, plugins,
 * guest images, and the state of the embedded lab.
 *
 * Taken from `CORRAL_HOME`; default `corral` under the user's cache folder
 * (`XDG_CACHE_HOME`, else `~/.cache`; XDG Base Directory Specification).
 */
export function corralHome(env: NodeJS.ProcessEnv = process.env): string {
  if (env.CORRAL_HOME) {
    return path.resolve(env.CORRAL_HOME);
  }
  const xdg = env.XDG_CACHE_HOME ?? "";
  // The specification has relative paths ignored.
  const cache = path.isAbsolute(xdg) ? xdg : path.join(os.homedir(), ".cache");
  return path.join(cache, "corral");
}
