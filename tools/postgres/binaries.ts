import * as fs from "node:fs";
import * as path from "node:path";
import { whichSystem } from "../toolchain/commands";
import { ensureDebianPackages } from "../toolchain/debian";

/** Where Debian keeps the programs of each version; they are not on the search path. */
const DEBIAN_FOLDER = "/usr/lib/postgresql";

/** The folder of `initdb` and `postgres`, which are installed where they are missing. */
export async function postgresBinaries(): Promise<string> {
  const found = findBinaries();
  if (found !== undefined) {
    return found;
  }
  await ensureDebianPackages("postgresql");
  const installed = findBinaries();
  if (installed === undefined) {
    throw new Error(
      `PostgreSQL is installed, but there is no initdb in ${DEBIAN_FOLDER}/VERSION/bin nor on the search path.`,
    );
  }
  return installed;
}

function findBinaries(): string | undefined {
  const versions = fs.existsSync(DEBIAN_FOLDER)
    ? fs.readdirSync(DEBIAN_FOLDER)
    : [];
  const folders = versions
    .sort((one, other) => Number(other) - Number(one))
    .map((version) => path.join(DEBIAN_FOLDER, version, "bin"));
  const onPath = whichSystem("initdb");
  return [...folders, ...(onPath ? [path.dirname(onPath)] : [])].find(
    (folder) =>
      ["initdb", "postgres"].every((name) =>
        fs.existsSync(path.join(folder, name)),
      ),
  );
}
