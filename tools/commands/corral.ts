import * as path from "node:path";
import execa from "execa";
import { CORRAL_PROGRAM } from "../stack/pulumiStack";
import { ensureToolchain, piecesForStart } from "../toolchain";

const repository = path.resolve(__dirname, "../../..");

/**
 * `npm run corral -- ARGUMENTS`: the command `corral` of this clone, with the pinned Pulumi CLI and
 * plugins, on the ready program.
 *
 * @returns its exit code.
 */
export async function main(args: readonly string[]): Promise<number> {
  const toolchain = await ensureToolchain(piecesForStart);
  const { exitCode } = await execa(
    process.execPath,
    [CORRAL_PROGRAM, ...args],
    {
      cwd: repository,
      env: toolchain.env,
      stdio: "inherit",
      reject: false,
    },
  );
  return exitCode ?? 1;
}
