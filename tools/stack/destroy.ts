import type { PulumiRun } from "./pulumiStack";

/** Runs the Pulumi command on a stack with these arguments, shown or captured as the caller likes. */
export type RunPulumi = (args: readonly string[]) => Promise<PulumiRun>;

/**
 * Destroys a stack's resources. A refresh comes first, so that what was removed by hand is no
 * obstacle. But the libvirt provider (0.8.3) cannot refresh a running machine whose network is gone
 * ("error retrieving interface addresses: Network not found"), and nothing would be destroyed: then
 * it goes on without the refresh, which removes the machine, and once more with it, which finds the
 * rest.
 *
 * @param say takes a line for the user.
 * @returns the last run; its exit code tells whether everything is destroyed.
 */
export async function destroyStack(
  run: RunPulumi,
  say: (line: string) => void,
): Promise<PulumiRun> {
  const destroy = (...flags: string[]) =>
    run(["destroy", "--yes", "--skip-preview", ...flags]);
  const refreshed = await destroy("--refresh");
  if (refreshed.exitCode === 0) {
    return refreshed;
  }
  say(
    "\nDestroying failed. Trying once more without looking at the hypervisor first ...",
  );
  const plain = await destroy();
  if (plain.exitCode === 0) {
    return plain;
  }
  say("\nNot everything could be destroyed. Looking at what is left ...");
  return destroy("--refresh");
}
