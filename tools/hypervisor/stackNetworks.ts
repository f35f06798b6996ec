import { lines } from "@corral-iac/corral/core/libvirt-client/parse";
import { virsh } from "./virsh";

/** Removes a stack's networks that its state may not know. */
export async function removeNetworks(stack: string): Promise<void> {
  const names = async (...flags: string[]) =>
    lines(await virsh("net-list", ...flags, "--name")).filter((name) =>
      name.startsWith(`corral-${stack}-`),
    );
  for (const name of await names()) {
    await virsh("net-destroy", name);
  }
  for (const name of await names("--all")) {
    await virsh("net-undefine", name);
  }
}
