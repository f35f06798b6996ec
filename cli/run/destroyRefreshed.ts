/**
 * Destroys after a refresh, so that what was removed by hand is no obstacle. But the libvirt
 * provider (0.8.3) cannot refresh a running machine whose network is gone ("error retrieving
 * interface addresses: Network not found"), and nothing would be destroyed: then it is tried once
 * more without.
 *
 * @param run runs the Pulumi command with these arguments, shown or captured as the caller likes.
 * @param flags further ones.
 * @param say takes a line for the user.
 * @returns the last run; its exit code tells whether everything is destroyed.
 */
export async function destroyRefreshed<
  Run extends { readonly exitCode: number },
>(
  run: (args: readonly string[]) => Promise<Run>,
  flags: readonly string[],
  say: (line: string) => void,
): Promise<Run> {
  const destroy = ["destroy", "--yes", ...flags];
  const refreshed = await run([...destroy, "--refresh"]);
  if (refreshed.exitCode === 0) {
    return refreshed;
  }
  say("\nThat failed. Trying once more without a refresh ...");
  return run(destroy);
}
