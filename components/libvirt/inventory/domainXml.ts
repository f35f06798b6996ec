import { XMLParser } from "fast-xml-parser";

/** What the inventory takes from a domain's XML. */
export interface DomainDescription {
  readonly name: string;
  readonly uuid: string;
  /** Its disks, CDs among them, but for those that are no files of a pool. */
  readonly disks: readonly DomainDisk[];
  /** Networks that its interfaces are in. */
  readonly networks: readonly string[];
}

/** A disk of a domain: a file by its path, or a volume of a pool; both are ways to say the same. */
export interface DomainDisk {
  /** What the machine knows it by: `vda`. */
  readonly target: string;
  readonly path?: string;
  readonly pool?: string;
  readonly volume?: string;
}

/** Reads a domain's XML (https://libvirt.org/formatdomain.html). */
export function parseDomain(xml: string): DomainDescription | undefined {
  const { domain } = parser.parse(xml) as { domain?: DomainElement };
  if (domain === undefined) {
    return undefined;
  }
  const { disk = [], interface: interfaces = [] } = domain.devices ?? {};
  return {
    name: String(domain.name),
    uuid: String(domain.uuid),
    disks: listOf(disk).flatMap(diskOf),
    networks: listOf(interfaces).flatMap(({ source }) =>
      source?.["@network"] ? [source["@network"]] : [],
    ),
  };
}

/** Name and UUID of a network's XML (https://libvirt.org/formatnetwork.html). */
export function parseNetwork(
  xml: string,
): { name: string; uuid: string } | undefined {
  const { network } = parser.parse(xml) as {
    network?: { name: unknown; uuid: unknown };
  };
  return network && { name: String(network.name), uuid: String(network.uuid) };
}

function diskOf({ source, target }: Device): DomainDisk[] {
  const { "@file": path, "@pool": pool, "@volume": volume } = source ?? {};
  const name = target?.["@dev"] ?? "";
  if (path !== undefined) {
    return [{ target: name, path }];
  }
  return pool !== undefined && volume !== undefined
    ? [{ target: name, pool, volume }]
    : [];
}

interface DomainElement {
  readonly name: unknown;
  readonly uuid: unknown;
  readonly devices?: {
    readonly disk?: Device | Device[];
    readonly interface?: Device | Device[];
  };
}

interface Device {
  readonly source?: {
    readonly "@file"?: string;
    readonly "@pool"?: string;
    readonly "@volume"?: string;
    readonly "@network"?: string;
  };
  readonly target?: { readonly "@dev"?: string };
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: "@",
  parseTagValue: false,
});

function listOf<T>(value: T | T[]): T[] {
  return Array.isArray(value) ? value : [value];
}
