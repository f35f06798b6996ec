import { kernelArguments } from "./kernelArguments";
import { tapName } from "./paths";
import type { MachinePlan } from "./plan";
import { isAtLeast } from "./versions";

/**
 * Firecracker's configuration file
 * (https://github.com/firecracker-microvm/firecracker/blob/main/src/firecracker/swagger/firecracker.yaml).
 *
 * @param runFolder where its sockets are.
 */
export function firecrackerConfig(
  plan: MachinePlan,
  runFolder: string,
): object {
  return {
    "boot-source": {
      kernel_image_path: plan.kernel,
      ...(plan.initrd === undefined ? {} : { initrd_path: plan.initrd }),
      boot_args: kernelArguments(plan).join(" "),
    },
    "machine-config": {
      vcpu_count: plan.vcpus,
      mem_size_mib: plan.memoryMib,
      smt: false,
    },
    drives: plan.disks.map(({ name, path, readOnly }) => ({
      drive_id: driveId(name),
      path_on_host: path,
      // The root stands among the kernel's arguments.
      is_root_device: false,
      is_read_only: readOnly,
      // Otherwise a flush of the guest does not reach the disk.
      cache_type: "Writeback",
    })),
    "network-interfaces": plan.interfaces.map(({ mac }, index) => ({
      iface_id: `eth${index}`,
      host_dev_name: tapName(plan.name, index),
      guest_mac: mac,
    })),
    ...(plan.vsockCid === undefined
      ? {}
      : {
          vsock: {
            guest_cid: plan.vsockCid,
            uds_path: `${runFolder}/vsock.sock`,
          },
        }),
    ...(isAtLeast(plan.hypervisor.version, "1.4") ? { entropy: {} } : {}),
  };
}

/** The command that reads the file. */
export function firecrackerArguments(
  plan: MachinePlan,
  configFile: string,
  apiSocket: string,
): string[] {
  return [
    plan.hypervisor.path,
    ...["--api-sock", apiSocket],
    ...["--config-file", configFile],
    ...["--id", instanceId(plan.name)],
  ];
}

/** Letters, digits and underscores, as Firecracker wants ids of drives. */
function driveId(name: string): string {
  return name.replace(/[^A-Za-z0-9]/g, "_");
}

/** Up to 64 letters, digits and hyphens. */
function instanceId(name: string): string {
  return name.replace(/[^A-Za-z0-9]/g, "-").slice(0, 64);
}
