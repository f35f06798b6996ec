import * as fs from "node:fs";
import * as path from "node:path";

/** What the npm package brings along. */
export interface CorralPackage {
  /** Version of the package, and of the plugin in it. */
  readonly version: string;
  /** The executable of the plugin corral-ops. */
  readonly plugin: string;
}

/** Name of the plugin's executable, as Pulumi wants it for a resource plugin `corral-ops`. */
export const PLUGIN_EXECUTABLE = "pulumi-resource-corral-ops";

/**
 * Finds the package that this command belongs to: the installed one, or in a clone the workspace
 * folder, where the plugin stands in its own.
 *
 * @throws Error when the package is not complete.
 */
export function readPackage(): CorralPackage {
  // The package's own name, which Node resolves inside the package too.
  const manifest = require.resolve("@corral-iac/corral/package.json");
  const folder = path.dirname(manifest);
  const { version } = JSON.parse(fs.readFileSync(manifest, "utf8")) as {
    version: string;
  };
  return { version, plugin: pluginIn(folder) };
}

/** The plugin of the package in a folder; its path as installed when there is none. */
function pluginIn(folder: string): string {
  const installed = path.join(folder, "plugin", PLUGIN_EXECUTABLE);
  const inClone = path.join(folder, "..", "provider", "bin", PLUGIN_EXECUTABLE);
  return [installed, inClone].find((file) => fs.existsSync(file)) ?? installed;
}
