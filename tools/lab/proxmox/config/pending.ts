import { isCloudInitDrive, parseDrive } from "./drives";
import { parseNetwork } from "./nets";
import { isCloudInitKey, isDriveKey } from "./schema";

/** Keys that do not touch a running machine. */
const fastKeys = [
  ...["description", "hookscript", "lock", "migrate_downtime", "migrate_speed"],
  ...["name", "onboot", "protection", "shares", "startup", "tags"],
  "vmstatestorage",
];

/** Options of a disk that a running machine does not take. */
const coldDriveOptions = [
  ...["aio", "discard", "iothread", "queues", "product", "cache", "ssd"],
  ...["vendor", "ro"],
];

/** Features that `hotplug` turns on; the default is disk, network and USB. */
export function hotplugFeatures(value: string | undefined): readonly string[] {
  if (value === "0") {
    return [];
  }
  return value === undefined || value === "1"
    ? ["network", "disk", "usb"]
    : value.split(/[,;\s]+/);
}

/**
 * Whether a running machine takes a change of a key at once. What it does not take is pending until
 * its next start.
 *
 * @param from the value that it runs with; undefined when there was none.
 * @param to the new value; undefined when the key is to go.
 */
export function isHotpluggable(
  key: string,
  from: string | undefined,
  to: string | undefined,
  hotplug: string | undefined,
): boolean {
  const features = hotplugFeatures(hotplug);
  if (fastKeys.includes(key) || isCloudInitKey(key)) {
    return true;
  }
  if (/^net\d+$/.test(key)) {
    return features.includes("network") || isLiveNetChange(key, from, to);
  }
  if (isDriveKey(key)) {
    return isLiveDriveChange(key, from, to, features.includes("disk"));
  }
  switch (key) {
    case "cpuunits":
    case "cpulimit":
      return true;
    case "vcpus":
      return features.includes("cpu");
    case "memory":
      return features.includes("memory");
    case "tablet":
      return features.includes("usb");
    case "balloon":
      return (from ?? "1") !== "0" && (to ?? "1") !== "0";
    case "agent":
      return from !== undefined && sameAgent(from, to);
    default:
      return /^usb\d+$/.test(key) && features.includes("usb");
  }
}

function isLiveNetChange(
  key: string,
  from: string | undefined,
  to: string | undefined,
): boolean {
  if (from === undefined || to === undefined) {
    return false;
  }
  const before = parseNetwork(key, from);
  const after = parseNetwork(key, to);
  return (
    before.model === after.model &&
    before.mac === after.mac &&
    before.bridge !== undefined &&
    after.bridge !== undefined &&
    ["queues", "mtu"].every(
      (name) => before.options.get(name) === after.options.get(name),
    )
  );
}

function isLiveDriveChange(
  key: string,
  from: string | undefined,
  to: string | undefined,
  hotplug: boolean,
): boolean {
  const isFixed = /^(efidisk|ide|sata|tpmstate)\d+$/.test(key);
  if (from === undefined || to === undefined) {
    return hotplug && !isFixed;
  }
  if (/^(efidisk|tpmstate)0$/.test(key)) {
    return false;
  }
  const before = parseDrive(from);
  const after = parseDrive(to);
  if (before.options.get("media") === "cdrom") {
    return true; // A CD is changed in its drive, the cloud-init drive's too.
  }
  if (before.file !== after.file) {
    return hotplug && !isFixed && !isCloudInitDrive(after);
  }
  return coldDriveOptions.every(
    (name) => before.options.get(name) === after.options.get(name),
  );
}

/** Only `fstrim_cloned_disks` may change under a running machine. */
function sameAgent(from: string, to: string | undefined): boolean {
  const essence = (value = "") =>
    value
      .split(",")
      .map((part) => (part.includes("=") ? part : `enabled=${part}`))
      .filter((part) => !part.startsWith("fstrim_cloned_disks="))
      .sort()
      .join(",");
  return essence(from) === essence(to);
}
