/** A machine's network device, as its configuration writes it. */
export interface NetDevice {
  /** For instance `virtio`. */
  readonly model: string;
  /** In lower case; undefined where none is fixed yet. */
  readonly macAddress: string | undefined;
  readonly bridge: string | undefined;
  readonly vlanTag: number | undefined;
  readonly firewall: boolean;
}

const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i;
/** Keys that are no model. All others are, where their value is a MAC address. */
const SETTINGS = new Set([
  "bridge",
  "firewall",
  "link_down",
  "mtu",
  "queues",
  "rate",
  "tag",
  "trunks",
]);

/** Reads `virtio=BC:24:11:00:00:01,bridge=vmbr0,tag=5`, or `model=virtio,macaddr=...`. */
export function parseNetDevice(text: string): NetDevice {
  const { settings, first } = parseProperties(text);
  const byModel = [...settings].find(
    ([key, value]) =>
      !SETTINGS.has(key) && key !== "macaddr" && MAC.test(value),
  );
  const tag = Number(settings.get("tag"));
  return {
    model: byModel?.[0] ?? settings.get("model") ?? first ?? "",
    macAddress: (byModel?.[1] ?? settings.get("macaddr"))?.toLowerCase(),
    bridge: settings.get("bridge"),
    vlanTag: Number.isInteger(tag) ? tag : undefined,
    firewall: settings.get("firewall") === "1",
  };
}

/** The network devices of a machine's configuration, in their order. */
export function netDevices(
  config: Readonly<Record<string, unknown>>,
): NetDevice[] {
  return Object.keys(config)
    .filter((key) => /^net\d+$/.test(key))
    .sort((a, b) => Number(a.slice(3)) - Number(b.slice(3)))
    .map((key) => parseNetDevice(String(config[key])));
}

const DRIVE = /^(ide|sata|scsi|virtio|efidisk|tpmstate|unused)\d+$/;

/** Ids of the volumes of a machine's configuration, for instance `local-lvm:vm-100-disk-0`. */
export function volumeIds(config: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(config)
    .filter((key) => DRIVE.test(key))
    .flatMap((key) => {
      const { settings, first } = parseProperties(String(config[key]));
      const volume = first ?? settings.get("file") ?? settings.get("volume");
      return volume === undefined || volume === "none" || volume === "cdrom"
        ? []
        : [volume];
    });
}

/** Ids of the snippets that a machine's `cicustom` names, for instance `local:snippets/web.yaml`. */
export function snippetIds(
  config: Readonly<Record<string, unknown>>,
): string[] {
  const { cicustom } = config;
  return typeof cicustom === "string"
    ? [...parseProperties(cicustom).settings.values()]
    : [];
}

/** Proxmox VE's property strings: `key=value` parted by commas; the first may be a value alone. */
function parseProperties(text: string): {
  settings: Map<string, string>;
  first: string | undefined;
} {
  const settings = new Map<string, string>();
  let first: string | undefined;
  for (const part of text.split(",")) {
    const [, key, value] = /^([^=]+)=(.*)$/.exec(part.trim()) ?? [];
    if (key !== undefined && value !== undefined) {
      settings.set(key, value);
    } else if (part.trim() !== "") {
      first ??= part.trim();
    }
  }
  return { settings, first };
}
