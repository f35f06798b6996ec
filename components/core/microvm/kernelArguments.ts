import { netmask } from "./subnet";
import type { MachinePlan } from "./plan";

/** What the guest's kernel is told (Documentation/admin-guide/kernel-parameters.txt). */
export function kernelArguments(plan: MachinePlan): string[] {
  return [
    "console=ttyS0",
    ...restartArguments(plan),
    ...emulationArguments(plan),
    // The first interface is eth0 in every guest, whatever names its system likes better.
    "net.ifnames=0",
    ...addressArguments(plan),
    ...(plan.hasRootDisk ? ["root=/dev/vda", "rw"] : []),
    ...plan.kernelArguments,
  ];
}

/** A restart of the guest has to end the hypervisor: systemd starts it anew. */
function restartArguments({ hypervisor }: MachinePlan): string[] {
  switch (hypervisor.kind) {
    case "qemu":
      return ["reboot=t", "panic=-1"];
    case "firecracker":
      return ["reboot=k", "panic=1", "pci=off"];
    case "cloudHypervisor":
      return ["panic=1"];
  }
}

/**
 * QEMU's machine type microvm has no clock by which an emulated processor's speed could be measured:
 * without these the kernel waits for ever.
 */
function emulationArguments({
  hypervisor,
  acceleration,
}: MachinePlan): string[] {
  return hypervisor.kind === "qemu" && acceleration === "tcg"
    ? ["tsc_early_khz=2000000", "no_timer_check"]
    : [];
}

/** The kernel takes one interface (Documentation/admin-guide/nfs/nfsroot.txt); others are cloud-init's. */
function addressArguments({ interfaces, hostname }: MachinePlan): string[] {
  const [first] = interfaces;
  return first === undefined
    ? []
    : [
        `ip=${first.address}::${first.gateway}:${netmask(first.prefix)}:${hostname}:eth0:off`,
      ];
}
