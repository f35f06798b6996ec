import { lines } from "@corral-iac/corral/core/libvirt-client/parse";
import { removeNetworks } from "@corral-iac/tools/hypervisor/stackNetworks";
import { TestPool } from "@corral-iac/tools/hypervisor/testPool";
import { virsh } from "@corral-iac/tools/hypervisor/virsh";

export { TestPool } from "@corral-iac/tools/hypervisor/testPool";
export { URI, virsh } from "@corral-iac/tools/hypervisor/virsh";

/** Names of all domains, running or not; of one stack only, where it is named. */
export async function domains(stack?: string): Promise<string[]> {
  const names = lines(await virsh("list", "--all", "--name"));
  return names.filter(
    (name) => stack === undefined || name.startsWith(`corral-${stack}-`),
  );
}

/** Removes a stack's domains that its state may not know; for the end of a test, also of a failed one. */
export async function removeDomains(stack: string): Promise<void> {
  for (const name of await domains(stack)) {
    await virsh("destroy", name).catch(() => undefined);
    await virsh("undefine", name);
  }
}

/**
 * Removes what an interrupted run of the same test left on the shared lab: domains and networks, whose
 * names would be taken, and the pools of that run with their volumes.
 */
export async function removeLeftovers(stack: string): Promise<void> {
  await removeDomains(stack);
  await removeNetworks(stack);
  for (const pool of await TestPool.all()) {
    if (pool.files().some((name) => name.startsWith(`corral-${stack}-`))) {
      await pool.remove();
    }
  }
}

/** Names of all networks. */
export async function networks(): Promise<string[]> {
  return lines(await virsh("net-list", "--all", "--name"));
}

/** Names of all pools. */
export async function pools(): Promise<string[]> {
  return lines(await virsh("pool-list", "--all", "--name"));
}

/** Names of a pool's volumes. */
export async function volumes(pool: string): Promise<string[]> {
  await virsh("pool-refresh", pool);
  return lines(await virsh("vol-list", pool)).map(
    (line) => line.split(/\s+/)[0] ?? "",
  );
}
