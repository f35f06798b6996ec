import { CORRAL_PROGRAM } from "@corral-iac/tools/stack/pulumiStack";
import execa from "execa";
import { REPOSITORY, type TestStack } from "./testStack";

/** How a run of `corral` ended. */
export interface CorralRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a subcommand of `corral` on a test's stack, as a process of its own. */
export async function corral(
  stack: Pick<TestStack, "access">,
  name: string,
  ...args: string[]
): Promise<CorralRun> {
  const { env, configFile } = stack.access;
  const run = await execa(
    process.execPath,
    [
      CORRAL_PROGRAM,
      ...args,
      ...["--stack", name, "--cwd", REPOSITORY, "--config-file", configFile],
    ],
    { env, stdin: "ignore", reject: false },
  );
  return { exitCode: run.exitCode, stdout: run.stdout, stderr: run.stderr };
}
