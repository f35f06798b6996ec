import type { LibvirtClient } from "@corral-iac/corral/core/libvirt-client/client";
import { LibvirtError } from "@corral-iac/corral/core/libvirt-client/errors";
import { describeOwner } from "@corral-iac/corral/core/stamp";
import { formatBytes } from "@corral-iac/corral/core/units";
import {
  domainsUsing,
  findVolume,
  type VolumeDescription,
} from "@corral-iac/corral/libvirt/inventory/lookups";
import { isKeptName } from "@corral-iac/corral/libvirt/inventory/nameMark";

import type { OperationContext } from "../frame/context";
import type { Fault, InputsToCheck, State } from "../frame/define";

/** A disk as it is asked for. */
export interface DiskInputs {
  readonly uri: string;
  readonly pool: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly keep: boolean;
  readonly adopt?: string;
}

/** What is known of a disk once it is there. */
export interface DiskOutputs {
  readonly diskId: string;
  readonly volumeName: string;
}

type Context = Pick<OperationContext, "signal" | "log">;

interface VolumeName {
  readonly pool: string;
  readonly name: string;
}

const SECTOR_BYTES = 512;
const CLUSTER_BYTES = 64 * 1024;
/** What one entry of a qcow2 image's first table covers: a table of 8192 clusters. */
const BYTES_PER_ENTRY = 8192 * CLUSTER_BYTES;

/** A size in whole sectors, as QEMU rounds it. */
function sectorsOf(bytes: number): number {
  return Math.ceil(bytes / SECTOR_BYTES) * SECTOR_BYTES;
}

/**
 * Whether nothing was ever written into a qcow2 volume: its file holds no more than what an empty
 * one begins with (header, first table, count of references), while the first byte of data takes
 * two clusters more.
 */
export function isUntouched({
  format,
  capacityBytes,
  physicalBytes,
}: VolumeDescription): boolean {
  const tableBytes = Math.ceil(capacityBytes / BYTES_PER_ENTRY) * 8;
  const tableClusters = Math.ceil(tableBytes / CLUSTER_BYTES);
  return (
    format === "qcow2" &&
    physicalBytes !== undefined &&
    physicalBytes <= (3 + tableClusters) * CLUSTER_BYTES
  );
}

/** Changes that would cost data, or that the hypervisor cannot make. */
export function diskRefusals(
  { inputs: before, outputs: { volumeName } }: State<DiskInputs, DiskOutputs>,
  { pool, sizeBytes, keep, adopt }: InputsToCheck<DiskInputs>,
): Fault[] {
  const faults: Fault[] = [];
  if (typeof sizeBytes === "number" && sizeBytes < before.sizeBytes) {
    faults.push({
      path: "sizeBytes",
      reason: `is ${formatBytes(sizeBytes)}, must be at least ${formatBytes(before.sizeBytes)}, which the disk has: a disk is never made smaller. Declare another disk and copy the data`,
    });
  }
  if (
    typeof pool === "string" &&
    pool !== before.pool &&
    isKeptName(volumeName)
  ) {
    faults.push({
      path: "pool",
      reason: `is "${pool}", must stay "${before.pool}", where ${volumeName} is: a disk to keep is not moved. Declare another disk there and copy the data`,
    });
  }
  if (keep === true && !isKeptName(volumeName)) {
    faults.push({
      path: "keep",
      reason: `is true, must stay false: ${volumeName} was made to go with its machine, and its name on the hypervisor cannot be changed. Declare another disk to keep and copy the data`,
    });
  }
  if (typeof adopt === "string" && adopt !== volumeName) {
    faults.push({
      path: "adopt",
      reason: `is "${adopt}", must be left out: the disk is there already, as ${volumeName}. Declare a further disk to take up another volume`,
    });
  }
  return faults;
}

/**
 * Makes a disk, or takes up the one to adopt. A volume of the disk's own name that a cut-off run
 * made is taken up too, when nothing was ever written into it.
 *
 * @throws Error when what is there is not to be taken, with the remedy.
 */
export async function makeDisk(
  client: LibvirtClient,
  { pool, name, sizeBytes, adopt }: Omit<DiskInputs, "uri" | "keep">,
  ctx: Context,
): Promise<{ readonly name: string; readonly key: string }> {
  await client.activePool(pool, ctx);
  await client.refreshPoolIfIdle(pool, ctx);
  const volume = { pool, name: adopt ?? name };
  const there = await findVolume(client, pool, volume.name, ctx);
  if (adopt !== undefined) {
    await checkAdoption(client, volume, there, ctx);
  } else if (there === undefined) {
    const size = ["--capacity", `${sizeBytes}B`, "--format", "qcow2"];
    await client.virsh.run(["vol-create-as", pool, name, ...size], ctx);
  } else if (!isUntouched(there)) {
    throw new Error(whatIsThere(client.uri, volume));
  }
  if (there !== undefined) {
    await checkFree(client, volume, there, ctx);
    checkSize(volume, there, sizeBytes);
  }
  const { key } = await growDisk(client, { ...volume, sizeBytes }, ctx);
  return { name: volume.name, key };
}

/**
 * Brings a disk to a size, under the running machine that has it or in its file. Nothing happens when
 * it has that size or more.
 */
export async function growDisk(
  client: LibvirtClient,
  { sizeBytes, ...volume }: VolumeName & { readonly sizeBytes: number },
  ctx: Context,
): Promise<VolumeDescription> {
  const { pool, name } = volume;
  const there = await findVolume(client, pool, name, ctx);
  if (there === undefined) {
    throw new LibvirtError(
      "noVolume",
      `volume "${name}" is gone from pool "${pool}" at ${client.uri}; pulumi up --refresh makes an empty one in its place`,
    );
  }
  if (there.capacityBytes >= sizeBytes) {
    return there;
  }
  const users = await domainsUsing(client, { ...there, ...volume }, ctx);
  const running = users.find(({ isRunning }) => isRunning);
  await client.virsh.run(
    running === undefined
      ? ["vol-resize", name, `${sizeBytes}B`, "--pool", pool]
      : ["blockresize", running.name, running.target, `${sizeBytes}B`],
    ctx,
  );
  ctx.log.debug(`${name} has ${formatBytes(sizeBytes)} now`);
  return there;
}

async function checkAdoption(
  client: LibvirtClient,
  { pool, name }: VolumeName,
  there: VolumeDescription | undefined,
  ctx: Context,
): Promise<void> {
  if (there !== undefined && isKeptName(name)) {
    return;
  }
  const kept = (await client.volumeNames(pool, ctx)).filter(isKeptName);
  const known =
    kept.length > 0
      ? `kept there are: ${kept.join(", ")}`
      : "none is kept there";
  throw new Error(
    there === undefined
      ? `adopt: pool "${pool}" at ${client.uri} has no volume "${name}"; ${known}`
      : `adopt: volume "${name}" in pool "${pool}" at ${client.uri} is none that Corral kept, whose names end in -kept- and a stamp: it is somebody else's; ${known}`,
  );
}

async function checkFree(
  client: LibvirtClient,
  volume: VolumeName,
  { path }: VolumeDescription,
  ctx: Context,
): Promise<void> {
  const [user] = await domainsUsing(client, { ...volume, path }, ctx);
  if (user !== undefined) {
    const whose = user.owner ? ` of ${describeOwner(user.owner)}` : "";
    throw new Error(
      `volume "${volume.name}" in pool "${volume.pool}" at ${client.uri} is in use by the domain "${user.name}"${whose}; take it out of that machine first`,
    );
  }
}

function checkSize(
  { name }: VolumeName,
  { capacityBytes }: VolumeDescription,
  sizeBytes: number,
): void {
  if (sectorsOf(sizeBytes) < capacityBytes) {
    throw new Error(
      `sizeGib makes ${formatBytes(sizeBytes)}, must be at least ${formatBytes(capacityBytes)}, which volume "${name}" has: a disk is never made smaller`,
    );
  }
}

function whatIsThere(uri: string, { pool, name }: VolumeName): string {
  const begin = `volume "${name}" exists already in pool "${pool}" at ${uri}, and there is data on it`;
  const remove = `virsh -c ${uri} vol-delete ${name} --pool ${pool}`;
  return isKeptName(name)
    ? `${begin}: it was kept when the disk was taken out. To take it up with its data: adopt: ${name}; ` +
        `to begin with an empty one, give the disk another name, or remove the old one: ${remove}`
    : `${begin}: an earlier run left it. If the data is not needed, remove it: ${remove}; else give the disk another name`;
}
