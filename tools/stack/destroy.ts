import type { PulumiRun } from "./pulumiStack";

/** Runs the Pulumi command on a stack with these arguments, shown or captured as the caller likes. */
export type RunPulumi = (args: readonly string[]) => Promise<PulumiRun>;

/**
 * Destroys a stack's resources. A refresh comes first, so that what was removed by hand is no
 * obstacle. But the libvirt provider (0.8.3) cannot refresh a running machine whose network is gone
 * ("error retrieving interface addresses: Network not found"), and nothing would be destroyed: then
 * it is tried once more without.
 *
 * @param say takes a line for the user.
 * @returns the last run; its exit code tells whether everything is destroyed.
 */
export async function destroyStack(
  run: RunPulumi,
  say: (line: string) => void,
): Promise<PulumiRun> {
  const destroy = ["destroy", "--yes", "--skip-preview"];
  const refreshed = await run([...destroy, "--refresh"]);
  if (refreshed.exitCode === 0) {
    return refreshed;
  }
  say("\nThat failed. Trying once more without a refresh ...");
  return run(destroy);
}
