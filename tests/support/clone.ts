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
  const clone = makeClone();
  try {
    await body(clone);
  } finally {
    removeClone(clone);
  }
}

/** A second clone of this repository; {@link removeClone} removes it. */
export function makeClone(): string {
  // Its real name: a process says where it works without symbolic links.
  const folder = fs.realpathSync(os.tmpdir());
  const clone = fs.mkdtempSync(path.join(folder, "corral-clone-"));
  for (const item of COPIED) {
    fs.cpSync(path.join(REPOSITORY, item), path.join(clone, item), {
      recursive: true,
    });
  }
  linkDependencies(clone);
  return clone;
}

export function removeClone(clone: string): void {
  fs.rmSync(clone, { recursive: true, force: true });
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
