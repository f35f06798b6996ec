import { XMLParser } from "fast-xml-parser";

/** What the inventory takes from a domain's XML. */
export interface DomainDescription {
  readonly name: string;
  readonly uuid: string;
  /** Paths of its disks, CDs among them. */
  readonly diskPaths: readonly string[];
  /** Networks that its interfaces are in. */
  readonly networks: readonly string[];
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
    diskPaths: listOf(disk).flatMap(({ source }) =>
      source?.["@file"] ? [source["@file"]] : [],
    ),
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

interface DomainElement {
  readonly name: unknown;
  readonly uuid: unknown;
  readonly devices?: {
    readonly disk?: Device | Device[];
    readonly interface?: Device | Device[];
  };
}

interface Device {
  readonly source?: { readonly "@file"?: string; readonly "@network"?: string };
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: "@",
  parseTagValue: false,
});

function listOf<T>(value: T | T[]): T[] {
  return Array.isArray(value) ? value : [value];
}
