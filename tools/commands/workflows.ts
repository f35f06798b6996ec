import * as fs from "node:fs";
import * as path from "node:path";
import execa from "execa";
import { ensureTool } from "../toolchain";

const repository = path.resolve(__dirname, "../../..");

/**
 * Checks .github/workflows by actionlint. shellcheck and pyflakes are left out: the outcome must
 * not depend on what else a machine has.
 */
export async function main(): Promise<number> {
  const folder = path.join(repository, ".github", "workflows");
  const files = fs.existsSync(folder)
    ? fs.readdirSync(folder).filter((file) => /\.ya?ml$/.test(file))
    : [];
  if (files.length === 0) {
    return 0;
  }
  const actionlint = await ensureTool("actionlint");
  const { exitCode } = await execa(
    actionlint,
    [
      ...["-shellcheck=", "-pyflakes=", "-no-color"],
      ...files.map((file) => path.join(".github", "workflows", file)),
    ],
    { cwd: repository, stdio: "inherit", reject: false },
  );
  return exitCode;
}
