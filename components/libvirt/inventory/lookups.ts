import { XMLParser } from "fast-xml-parser";
import type { LibvirtClient } from "../../core/libvirt-client/client";
import { isFault, type LibvirtFault } from "../../core/libvirt-client/errors";
import { lines } from "../../core/libvirt-client/parse";
import type { VirshOptions } from "../../core/libvirt-client/virsh";
import { type OwnershipStamp, parseStamp } from "../../core/stamp";
import { parseDomain } from "./domainXml";

/** A storage pool's room, in bytes. */
export interface PoolSpace {
  readonly capacityBytes: number;
  readonly availableBytes: number;
}

/** A volume as libvirt describes it. */
export interface VolumeDescription {
  readonly format: string;
  /** Size that a guest sees. */
  readonly capacityBytes: number;
  /** Size of its file; undefined where libvirt does not say. */
  readonly physicalBytes: number | undefined;
  /** As the provider's domains take it. */
  readonly key: string;
  readonly path: string;
}

/** A domain that has a volume for a disk. */
export interface VolumeUser {
  /** Name of the domain. */
  readonly name: string;
  /** What the domain knows the disk by: `vdb`. */
  readonly target: string;
  readonly isRunning: boolean;
  /** Missing for a domain that Corral did not make. */
  readonly owner: OwnershipStamp | undefined;
}

/** A network's name and its IPv4 networks in CIDR notation. */
export interface NetworkDescription {
  readonly name: string;
  readonly cidrs: readonly string[];
}

/** XML of a domain; undefined when there is none of that name. */
export function findDomain(
  client: LibvirtClient,
  name: string,
): Promise<string | undefined> {
  return unlessMissing("noDomain", () => client.virsh.run(["dumpxml", name]));
}

/** XML of a network; undefined when there is none of that name. */
export function findNetwork(
  client: LibvirtClient,
  name: string,
): Promise<string | undefined> {
  return unlessMissing("noNetwork", () =>
    client.virsh.run(["net-dumpxml", name]),
  );
}

/** Whether there is a pool of that name, active or not. */
export async function poolExists(
  client: LibvirtClient,
  name: string,
): Promise<boolean> {
  return (await client.poolNames()).includes(name);
}

/** A volume of an active pool; undefined when there is none of that name. */
export async function findVolume(
  client: LibvirtClient,
  pool: string,
  name: string,
  options?: VirshOptions,
): Promise<VolumeDescription | undefined> {
  const xml = await unlessMissing("noVolume", () =>
    client.virsh.run(["vol-dumpxml", name, "--pool", pool], options),
  );
  return xml === undefined ? undefined : parseVolume(xml);
}

/** The domains, running or not, that have a volume for a disk. */
export async function domainsUsing(
  client: LibvirtClient,
  volume: {
    readonly pool: string;
    readonly name: string;
    readonly path: string;
  },
  options?: VirshOptions,
): Promise<VolumeUser[]> {
  const { virsh } = client;
  const ids = lines(await virsh.run(["list", "--all", "--uuid"], options));
  const outputs = await virsh.runAll(
    ids.flatMap((id) => [
      ["dumpxml", id],
      ["domstate", id],
    ]),
    options,
  );
  return ids.flatMap((_, index) => {
    const [xml = "", state = ""] = outputs.slice(index * 2, index * 2 + 2);
    const domain = parseDomain(xml);
    return (domain?.disks ?? [])
      .filter((disk) =>
        disk.path === undefined
          ? disk.pool === volume.pool && disk.volume === volume.name
          : disk.path === volume.path,
      )
      .map(({ target }) => ({
        name: domain?.name ?? "",
        target,
        isRunning: !OFF.includes(state.trim()),
        owner: parseStamp(xml),
      }));
  });
}

/** States of a domain without a process. */
const OFF: readonly string[] = ["shut off", "crashed"];

/** Room in an active pool. */
export async function poolSpace(
  client: LibvirtClient,
  pool: string,
): Promise<PoolSpace> {
  const xml = parser.parse(await client.virsh.run(["pool-dumpxml", pool])) as {
    pool: { capacity?: Quantity; available?: Quantity };
  };
  return {
    capacityBytes: bytes(xml.pool.capacity),
    availableBytes: bytes(xml.pool.available),
  };
}

/** All networks with the addresses that they use. */
export async function listNetworks(
  client: LibvirtClient,
): Promise<NetworkDescription[]> {
  const names = lines(await client.virsh.run(["net-list", "--all", "--name"]));
  return Promise.all(
    names.map(async (name) => ({
      name,
      cidrs: networkCidrs((await findNetwork(client, name)) ?? ""),
    })),
  );
}

/** The IPv4 networks of a network's XML, in CIDR notation. */
export function networkCidrs(xml: string): string[] {
  const document = parser.parse(xml) as {
    network?: { ip?: IpElement | IpElement[] };
  };
  return [document.network?.ip ?? []].flat().flatMap((ip) => {
    const prefix = ip["@prefix"] ?? prefixOf(ip["@netmask"]);
    return ip["@family"] === "ipv6" || prefix === undefined
      ? []
      : [networkOf(ip["@address"], Number(prefix))];
  });
}

/** Format and size of a volume's XML. */
export function parseVolume(xml: string): VolumeDescription {
  const { volume } = parser.parse(xml) as {
    volume: {
      key?: string;
      capacity?: Quantity;
      physical?: Quantity;
      target?: { path?: string; format?: { "@type"?: string } };
    };
  };
  return {
    format: volume.target?.format?.["@type"] ?? "",
    capacityBytes: bytes(volume.capacity),
    physicalBytes:
      volume.physical === undefined ? undefined : bytes(volume.physical),
    key: volume.key ?? "",
    path: volume.target?.path ?? "",
  };
}

interface IpElement {
  readonly "@address": string;
  readonly "@family"?: string;
  readonly "@prefix"?: string;
  readonly "@netmask"?: string;
}

/** An element like `<capacity unit='bytes'>1024</capacity>`. */
type Quantity =
  { readonly "#text": string; readonly "@unit"?: string } | string;

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: "@",
  parseTagValue: false,
});

/** libvirt answers in bytes, whatever unit a definition was written in. */
function bytes(quantity: Quantity | undefined): number {
  return Number(
    typeof quantity === "object" ? quantity["#text"] : (quantity ?? 0),
  );
}

function prefixOf(netmask: string | undefined): number | undefined {
  return netmask
    ?.split(".")
    .map((octet) => Number(octet).toString(2))
    .join("")
    .replaceAll("0", "").length;
}

function networkOf(address: string, prefix: number): string {
  const value = address
    .split(".")
    .reduce((sum, octet) => sum * 256 + Number(octet), 0);
  const base = value - (value % 2 ** (32 - prefix));
  return `${[24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join(".")}/${prefix}`;
}

async function unlessMissing<T>(
  missing: LibvirtFault,
  look: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (isFault(error, missing)) {
      return undefined;
    }
    throw error;
  }
}
