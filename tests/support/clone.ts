import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { REPOSITORY } from "./testStack";

/** What a program needs at run time; the compiled files stand in for `npm run build`. */
const COPIED = [
  "Pulumi.yaml",
  "package.json",
  "bin",
  "components",
  "provider/bin",
  "stacks",
];

/** Runs the body with the folder of a second clone of this repository, as another operator has it. */
export async function withClone(
  body: (clone: string) => Promise<void>,
): Promise<void> {
  const clone = fs.mkdtempSync(path.join(os.tmpdir(), "corral-clone-"));
  try {
    for (const item of COPIED) {
      fs.cpSync(path.join(REPOSITORY, item), path.join(clone, item), {
        recursive: true,
      });
    }
    linkDependencies(clone);
    await body(clone);
  } finally {
    fs.rmSync(clone, { recursive: true, force: true });
  }
}

/** Dependencies are shared; Corral's own package is the clone's. */
function linkDependencies(clone: string): void {
  const from = path.join(REPOSITORY, "node_modules");
  const to = path.join(clone, "node_modules");
  fs.mkdirSync(path.join(to, "@corral-iac"), { recursive: true });
  for (const name of fs
    .readdirSync(from)
    .filter((entry) => entry !== "@corral-iac")) {
    fs.symlinkSync(path.join(from, name), path.join(to, name));
  }
  fs.symlinkSync("../../components", path.join(to, "@corral-iac", "corral"));
}
