import execa from "execa";

/** The daemon on this machine that tests and measurements use. */
export const URI = "qemu:///system";

/**
 * Runs virsh on the real daemon: what tests and measurements look at the hypervisor with, never
 * Corral's own eyes.
 *
 * @throws when virsh fails or takes longer than 60 s.
 */
export async function virsh(...args: string[]): Promise<string> {
  const { stdout } = await execa("virsh", ["-q", "-c", URI, ...args], {
    env: { LC_ALL: "C" },
    stdin: "ignore",
    timeout: 60_000,
  });
  return stdout.trim();
}
