import { networksOverlap, parseIpv4Network } from "../core/ipv4";
import type { LibvirtClient } from "../core/libvirt-client/client";
import {
  type OwnershipStamp,
  parseStamp,
  parseStampElement,
} from "../core/stamp";
import { LEFTOVER, takenProblem } from "../core/taken";
import { formatBytes } from "../core/units";
import { inspectImage } from "./imageSource";
import {
  findDomain,
  findNetwork,
  findVolume,
  listNetworks,
  poolExists,
  poolSpace,
} from "./inventory/lookups";

/** Inputs of the resource that is about to be made. */
export type NewInputs = Readonly<Record<string, unknown>>;

/** Room that an overlay, a cloud-init disk or a log needs at the least. */
const LEAST_FREE_BYTES = 16 * 1024 ** 2;

/** Refuses when the domain's name is taken. */
export async function checkDomain(
  client: LibvirtClient,
  inputs: NewInputs,
): Promise<void> {
  const name = text(inputs.name);
  const xml = await findDomain(client, name);
  if (xml !== undefined) {
    throw taken(
      "domain",
      name,
      client.uri,
      xml,
      ownStamp(inputs),
      `virsh -c ${client.uri} undefine --nvram ${name}`,
    );
  }
}

/** Refuses when the network's name or its addresses are taken. */
export async function checkNetwork(
  client: LibvirtClient,
  inputs: NewInputs,
): Promise<void> {
  const name = text(inputs.name);
  const xml = await findNetwork(client, name);
  if (xml !== undefined) {
    throw taken(
      "network",
      name,
      client.uri,
      xml,
      ownStamp(inputs),
      `virsh -c ${client.uri} net-undefine ${name}`,
    );
  }
  const wanted = (inputs.addresses as string[] | undefined)?.[0] ?? "";
  const wantedNetwork = parseIpv4Network(wanted);
  for (const other of wantedNetwork ? await listNetworks(client) : []) {
    const clash = other.cidrs.find((cidr) => {
      const network = parseIpv4Network(cidr);
      return (
        network !== undefined &&
        wantedNetwork !== undefined &&
        networksOverlap(network, wantedNetwork)
      );
    });
    if (clash !== undefined) {
      throw new Error(
        `cidr ${wanted} of network "${name}" overlaps ${clash} of the network "${other.name}" at ${client.uri}; choose another one`,
      );
    }
  }
}

/** Refuses when the pool's name is taken. */
export async function checkPool(
  client: LibvirtClient,
  inputs: NewInputs,
): Promise<void> {
  const name = text(inputs.name);
  if (await poolExists(client, name)) {
    throw new Error(
      `pool "${name}" exists already at ${client.uri}. ${LEFTOVER} virsh -c ${client.uri} pool-undefine ${name}`,
    );
  }
}

/**
 * Refuses when the volume exists (the provider would silently take it over, and delete it later),
 * its base is missing or of no use, or the pool has no room.
 */
export async function checkVolume(
  client: LibvirtClient,
  inputs: NewInputs,
): Promise<void> {
  const name = text(inputs.name);
  const poolName = text(inputs.pool) || "default";
  await client.activePool(poolName);
  await client.refreshPoolIfIdle(poolName);
  if ((await findVolume(client, poolName, name)) !== undefined) {
    throw new Error(
      `volume "${name}" exists already in pool "${poolName}" at ${client.uri}. ${LEFTOVER} ` +
        `virsh -c ${client.uri} vol-delete ${name} --pool ${poolName}`,
    );
  }
  await checkBase(client, inputs, poolName);
  const source = text(inputs.source);
  const upload =
    source === "" ? 0 : ((await inspectImage(source)).sizeBytes ?? 0);
  const { availableBytes } = await poolSpace(client, poolName);
  if (availableBytes < upload + LEAST_FREE_BYTES) {
    throw new Error(
      `pool "${poolName}" at ${client.uri} is full: "${name}" needs ${formatBytes(upload + LEAST_FREE_BYTES)}, ` +
        `${formatBytes(availableBytes)} are free`,
    );
  }
}

async function checkBase(
  client: LibvirtClient,
  inputs: NewInputs,
  poolName: string,
): Promise<void> {
  const baseName = text(inputs.baseVolumeName);
  if (baseName === "") {
    return;
  }
  const basePool = text(inputs.baseVolumePool) || poolName;
  if (basePool !== poolName) {
    await client.refreshPoolIfIdle(basePool);
  }
  const base = await findVolume(client, basePool, baseName);
  if (base === undefined) {
    const images = await client.volumeNames(basePool);
    throw new Error(
      `image "${baseName}" does not exist in pool "${basePool}" at ${client.uri}; ` +
        `there ${images.length > 0 ? `are: ${images.join(", ")}` : "is nothing in it"}`,
    );
  }
  if (base.format !== "qcow2" && base.format !== "raw") {
    throw new Error(
      `image "${baseName}" in pool "${basePool}" has the format ${base.format}, must be qcow2 or raw`,
    );
  }
  const size = Number(inputs.size ?? 0);
  if (size > 0 && size < base.capacityBytes) {
    throw new Error(
      `rootDisk.sizeGib makes ${formatBytes(size)}, must be at least the size of image "${baseName}": ${formatBytes(base.capacityBytes)}`,
    );
  }
}

function taken(
  kind: string,
  name: string,
  uri: string,
  xml: string,
  own: OwnershipStamp | undefined,
  remove: string,
): Error {
  return new Error(
    takenProblem({
      subject: `the name "${name}"`,
      object: `${kind} "${name}"`,
      kind,
      place: uri,
      found: parseStamp(xml),
      own,
      remove,
      wayOut: "rename one of the two",
    }),
  );
}

/** The stamp out of the XSLT that puts it in. */
function ownStamp(inputs: NewInputs): OwnershipStamp | undefined {
  const { xslt } = (inputs.xml ?? {}) as { xslt?: string };
  return xslt === undefined ? undefined : parseStampElement(xslt);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
