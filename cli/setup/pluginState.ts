import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { PLUGIN_EXECUTABLE } from "../package";

/** Name of the plugin among Pulumi's. */
export const PLUGIN = "corral-ops";

/** How the installed plugin stands to the package's; `different`: same version, other content. */
export type PluginState = "installed" | "missing" | "different";

/** Pulumi's own folder: `PULUMI_HOME`, else `~/.pulumi`. */
export function pulumiHome(env: NodeJS.ProcessEnv = process.env): string {
  return path.resolve(env.PULUMI_HOME || path.join(os.homedir(), ".pulumi"));
}

/** Where Pulumi puts the plugin's executable. */
export function installedPlugin(home: string, version: string): string {
  return path.join(
    home,
    "plugins",
    `resource-${PLUGIN}-v${version}`,
    PLUGIN_EXECUTABLE,
  );
}

/** Holds the installed file's content against the package's. */
export function pluginState(bundled: string, installed: string): PluginState {
  const there = contentHash(installed);
  if (there === undefined) {
    return "missing";
  }
  return there === contentHash(bundled) ? "installed" : "different";
}

function contentHash(file: string): string | undefined {
  try {
    return createHash("sha256").update(fs.readFileSync(file)).digest("hex");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return undefined;
    }
    throw error;
  }
}
