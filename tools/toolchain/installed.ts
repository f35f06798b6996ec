import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { isExecutable, run, which } from "./commands";
import { placeInHome } from "./keys";
import { pins, type PiecePin, type Platform } from "./pins";

/**
 * The file of a piece that the user has already at the pinned version: the CLI and its hosts by
 * PATH, plugins in the user's own `PULUMI_HOME`. Undefined when there is none.
 */
export async function findInstalled(
  pin: PiecePin,
  platform: Platform,
): Promise<string | undefined> {
  if (pin.place.kind === "tool") {
    // Its version cannot be told by that of the CLI.
    return undefined;
  }
  if (pin.place.kind !== "bin") {
    const home = userPulumiHome(process.env);
    const file = path.join(home, placeInHome(pin, platform));
    // The engine marks a plugin that is being installed by a file beside its folder.
    const isWhole = !fs.existsSync(`${path.dirname(file)}.partial`);
    return isWhole && isExecutable(file) ? file : undefined;
  }
  const pulumi = which(pins.pulumi.binary);
  if (pulumi === undefined || !(await isPinnedPulumi(pulumi))) {
    return undefined;
  }
  // A host is of the CLI's version only when it stands beside it.
  const beside = path.join(path.dirname(fs.realpathSync(pulumi)), pin.binary);
  return isExecutable(beside) ? beside : undefined;
}

/** The `PULUMI_HOME` that the user's own `pulumi` has. */
export function userPulumiHome(env: NodeJS.ProcessEnv): string {
  return env.PULUMI_HOME || path.join(os.homedir(), ".pulumi");
}

async function isPinnedPulumi(command: string): Promise<boolean> {
  try {
    const said = await run(command, ["version"], {
      env: { PULUMI_SKIP_UPDATE_CHECK: "true" },
      timeoutSeconds: 20,
    });
    return said.trim() === `v${pins.pulumi.version}`;
  } catch {
    return false;
  }
}
