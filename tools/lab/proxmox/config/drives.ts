import { isDriveKey } from "./schema";
import {
  parseProperties,
  parseSize,
  printProperties,
  printSize,
  type Properties,
} from "./propertyString";

/** A disk or CD drive of a machine, as a key of its configuration says. */
export interface Drive {
  /** Volume id, `none`, `cdrom`, a path, or what is to be allocated: `ST:8`, `ST:cloudinit`. */
  readonly file: string;
  /** All others: size, discard, media, ... */
  readonly options: Properties;
}

export function parseDrive(text: string): Drive {
  const properties = parseProperties(text, "file");
  const options = new Map(properties);
  options.delete("file");
  options.delete("volume");
  return {
    file: properties.get("file") ?? properties.get("volume") ?? "",
    options,
  };
}

/** As it stands in the configuration: the volume first, then the options by name. */
export function printDrive({ file, options }: Drive): string {
  const size = parseSize(options.get("size") ?? "");
  const all = new Map([
    ["file", file],
    ...[...options].filter(([name]) => name !== "size"),
    ...(size === undefined ? [] : [["size", printSize(size)] as const]),
  ]);
  return printProperties(all, "file");
}

/** The drive with some options set, or left out where undefined. */
export function withOptions(
  drive: Drive,
  changes: Readonly<Record<string, string | undefined>>,
): Drive {
  const options = new Map(drive.options);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) {
      options.delete(name);
    } else {
      options.set(name, value);
    }
  }
  return { file: drive.file, options };
}

/** The drive that cloud-init reads; it is a CD too. */
export function isCloudInitDrive({ file, options }: Drive): boolean {
  return (
    /^[^:]+:cloudinit$/.test(file) ||
    (options.get("media") === "cdrom" && /vm-\d+-cloudinit/.test(file))
  );
}

export function isCdDrive(drive: Drive): boolean {
  return drive.options.get("media") === "cdrom";
}

/** Drives of a configuration by key. */
export function drivesOf(
  config: Readonly<Record<string, string>>,
): ReadonlyMap<string, Drive> {
  return new Map(
    Object.entries(config)
      .filter(([key]) => isDriveKey(key))
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, value]) => [key, parseDrive(value)]),
  );
}

/** The key of the cloud-init drive. */
export function cloudInitKey(
  config: Readonly<Record<string, string>>,
): string | undefined {
  return [...drivesOf(config)].find(([, drive]) =>
    isCloudInitDrive(drive),
  )?.[0];
}
