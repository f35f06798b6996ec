import type { ParameterSchema } from "../http/parameters";

const text: ParameterSchema = { type: "string", optional: true };
const flag: ParameterSchema = { type: "boolean", optional: true };
const integer = (minimum?: number, maximum?: number): ParameterSchema => ({
  type: "integer",
  optional: true,
  ...(minimum === undefined ? {} : { minimum }),
  ...(maximum === undefined ? {} : { maximum }),
});
const choice = (...values: string[]): ParameterSchema => ({
  type: "string",
  optional: true,
  values,
});

/** Keys of a machine's configuration that come once. */
const keys: Readonly<Record<string, ParameterSchema>> = {
  acpi: flag,
  affinity: text,
  agent: text,
  "allow-ksm": flag,
  "amd-sev": text,
  arch: choice("x86_64", "aarch64"),
  args: text,
  audio0: text,
  autostart: flag,
  balloon: integer(0),
  bios: choice("seabios", "ovmf"),
  boot: text,
  bootdisk: text,
  cicustom: text,
  cipassword: text,
  citype: choice("configdrive2", "nocloud", "opennebula"),
  ciupgrade: flag,
  ciuser: text,
  cores: integer(1),
  cpu: text,
  cpulimit: { type: "number", optional: true, minimum: 0, maximum: 128 },
  cpuunits: integer(1, 262_144),
  description: { type: "string", optional: true, maxLength: 8 * 1024 },
  efidisk0: text,
  freeze: flag,
  hookscript: text,
  hotplug: text,
  hugepages: choice("any", "2", "1024"),
  ivshmem: text,
  keephugepages: flag,
  keyboard: text,
  kvm: flag,
  localtime: flag,
  lock: text,
  machine: text,
  memory: text,
  migrate_downtime: { type: "number", optional: true, minimum: 0 },
  migrate_speed: integer(0),
  name: { type: "string", optional: true, format: "dnsName" },
  nameserver: text,
  numa: flag,
  onboot: flag,
  ostype: choice(
    ...["other", "wxp", "w2k", "w2k3", "w2k8", "wvista", "win7", "win8"],
    ...["win10", "win11", "l24", "l26", "solaris"],
  ),
  protection: flag,
  reboot: flag,
  rng0: text,
  scsihw: choice(
    ...["lsi", "lsi53c810", "virtio-scsi-pci", "virtio-scsi-single"],
    ...["megasas", "pvscsi"],
  ),
  searchdomain: text,
  shares: integer(0, 50_000),
  smbios1: { type: "string", optional: true, maxLength: 512 },
  smp: integer(1),
  sockets: integer(1),
  spice_enhancements: text,
  sshkeys: text,
  startdate: text,
  startup: text,
  tablet: flag,
  tags: { type: "string", optional: true, format: "tagList" },
  tdf: flag,
  template: flag,
  tpmstate0: text,
  vcpus: integer(1),
  vga: text,
  vmgenid: text,
  vmstatestorage: text,
  watchdog: text,
};

/** Keys that end in a number, each with how many there may be. */
const numbered: Readonly<Record<string, number>> = {
  hostpci: 16,
  ide: 4,
  ipconfig: 32,
  net: 32,
  numa: 8,
  parallel: 3,
  sata: 6,
  scsi: 31,
  serial: 4,
  unused: 256,
  usb: 14,
  virtio: 16,
  virtiofs: 10,
};

/** The schema of a key of a machine's configuration; undefined when Proxmox has no such key. */
export function configSchema(key: string): ParameterSchema | undefined {
  const single = keys[key];
  if (single !== undefined) {
    return single;
  }
  const match = /^([a-z]+)(\d+)$/.exec(key);
  const count = numbered[match?.[1] ?? ""];
  return count !== undefined && Number(match?.[2]) < count ? text : undefined;
}

/** A value as it stands in JSON: numbers for what the schema calls integer or boolean. */
export function jsonValue(key: string, value: string): string | number {
  const type = configSchema(key)?.type;
  if (type === "boolean") {
    return /^(1|on|yes|true)$/i.test(value) ? 1 : 0;
  }
  return type === "integer" ? Number(value) : value;
}

/** A key for a disk or a CD drive. */
export function isDriveKey(key: string): boolean {
  return /^((ide|sata|scsi|virtio)\d+|efidisk0|tpmstate0)$/.test(key);
}

/** A key for the cloud-init drive's content. */
export function isCloudInitKey(key: string): boolean {
  return (
    /^ipconfig\d+$/.test(key) ||
    [
      ...["cicustom", "cipassword", "citype", "ciuser", "ciupgrade"],
      ...["nameserver", "searchdomain", "sshkeys"],
    ].includes(key)
  );
}
