/** The parts of a value such as `local-lvm:vm-100-disk-0,size=8G`: names in their order. */
export type Properties = ReadonlyMap<string, string>;

/**
 * Takes a property string apart.
 *
 * @param defaultKey name of a part that stands there without one.
 */
export function parseProperties(text: string, defaultKey?: string): Properties {
  const parts = text.split(",").filter((part) => part.trim() !== "");
  return new Map(
    parts.map((part): [string, string] => {
      const split = part.indexOf("=");
      return split < 0
        ? [defaultKey ?? part, part]
        : [part.slice(0, split).trim(), part.slice(split + 1)];
    }),
  );
}

/**
 * Puts it together as Proxmox prints it: the default part first and without its name, then the
 * others by name.
 */
export function printProperties(
  properties: Properties,
  defaultKey?: string,
): string {
  const first = defaultKey && properties.get(defaultKey);
  const others = [...properties]
    .filter(([name]) => name !== defaultKey)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`);
  return [...(first === undefined ? [] : [first]), ...others].join(",");
}

const units = { K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 } as const;

/** Bytes of a size such as `8G`; undefined when it is none. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([KMGT])?$/.exec(text);
  if (match === null) {
    return undefined;
  }
  const unit = match[2] as keyof typeof units | undefined;
  return Math.round(Number(match[1]) * (unit === undefined ? 1 : units[unit]));
}

/** The size in the biggest unit that it is whole in, as Proxmox prints it. */
export function printSize(bytes: number): string {
  const unit = (["T", "G", "M", "K"] as const).find(
    (name) => bytes >= units[name] && bytes % units[name] === 0,
  );
  return unit === undefined ? String(bytes) : `${bytes / units[unit]}${unit}`;
}
