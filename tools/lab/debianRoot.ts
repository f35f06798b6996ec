import * as fs from "node:fs";
import * as path from "node:path";

import { run } from "../toolchain/commands";
import {
  indexTargetsFormat,
  passedOnSettings,
  sourceLines,
} from "./debianMirror";
import { listEntries, type Recipe } from "./recipe";

/**
 * Puts the Debian 12 packages of a recipe into a folder, from where this machine's apt gets Debian.
 *
 * @param variant mmdebstrap's: `minbase` installs them, `extract` only unpacks them and what they
 *   depend on.
 */
export async function installDebian(
  recipe: Recipe,
  root: string,
  variant: "minbase" | "extract" = "minbase",
): Promise<void> {
  const quick = { timeoutSeconds: 60 };
  const targets = await run(
    "apt-get",
    ["indextargets", "--format", indexTargetsFormat, "Created-By: Packages"],
    quick,
  ).catch(() => "");
  const settings = passedOnSettings(
    await run("apt-config", ["dump"], quick).catch(() => ""),
  );
  const { base = recipe } = recipe;
  const packages = [...new Set([base, recipe])].flatMap(({ folder }) =>
    listEntries(fs.readFileSync(path.join(folder, "packages"), "utf8")),
  );
  await run(
    "mmdebstrap",
    [
      ...["--mode=root", `--variant=${variant}`, "--format=directory"],
      `--dpkgopt=${path.join(base.folder, "dpkg.cfg")}`,
      // The folder is built from nothing; it need not survive a power cut.
      "--dpkgopt=force-unsafe-io",
      ...['APT::Install-Recommends "false";', ...settings].map(
        (line) => `--aptopt=${line}`,
      ),
      `--include=${packages.join(",")}`,
      ...["bookworm", root],
      ...sourceLines(targets),
    ],
    { timeoutSeconds: 1500 },
  );
}
