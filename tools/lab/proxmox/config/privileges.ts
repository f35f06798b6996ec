import { failure } from "../http/apiError";
import { isCloudInitKey } from "./schema";

/** Privileges on a machine for a key of its configuration; one of them does. */
export interface KeyPrivileges {
  readonly privileges: readonly string[];
  /** Asked on the whole cluster beside it. */
  readonly onCluster?: string;
}

const groups: Readonly<Record<string, readonly string[]>> = {
  "VM.Config.CPU": [
    ...["cores", "cpu", "cpulimit", "cpuunits", "numa", "smp", "sockets"],
    "vcpus",
  ],
  "VM.Config.Memory": ["memory", "balloon", "shares", "allow-ksm"],
  "VM.Config.HWType": [
    ...["acpi", "hotplug", "kvm", "machine", "scsihw", "smbios1", "tablet"],
    ...["vga", "watchdog", "audio0", "rng0"],
  ],
  "VM.Config.Options": [
    ...["agent", "autostart", "bios", "description", "keyboard", "localtime"],
    ...["migrate_downtime", "migrate_speed", "name", "onboot", "ostype"],
    ...["protection", "reboot", "startdate", "startup", "tdf", "template"],
    "tags",
  ],
  "VM.PowerMgmt": ["freeze"],
  "VM.Config.Disk": ["boot", "bootdisk", "vmstatestorage"],
};

/**
 * What a change of a key asks for. Drives are not among them: there it depends on the value.
 *
 * @throws ApiError for a key that is kept for root.
 */
export function privilegesForKey(key: string): KeyPrivileges {
  const found = Object.entries(groups).find(([, keys]) => keys.includes(key));
  if (found !== undefined) {
    return {
      privileges: [found[0]],
      ...(key === "startup" ? { onCluster: "Sys.Modify" } : {}),
    };
  }
  if (/^numa\d+$/.test(key)) {
    return { privileges: ["VM.Config.CPU"] };
  }
  if (/^net\d+$/.test(key)) {
    return { privileges: ["VM.Config.Network"] };
  }
  if (isCloudInitKey(key)) {
    return { privileges: ["VM.Config.Cloudinit", "VM.Config.Network"] };
  }
  if (/^(serial|usb|hostpci|virtiofs)\d+$/.test(key)) {
    return { privileges: ["VM.Config.HWType"] };
  }
  if (/^unused\d+$/.test(key)) {
    return { privileges: ["VM.Config.Disk"] };
  }
  throw failure(`only root can set '${key}' config`);
}
