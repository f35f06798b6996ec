import * as fs from "node:fs";
import * as path from "node:path";

import { uri, virsh, virshList } from "./daemons";
import type { GuestImage } from "./image";

export const poolName = "corral-lab";
/** Where QEMU's own user may read, and libvirt keeps pools by default. */
export const poolFolder = "/var/lib/libvirt/images/corral-lab";

/** Volumes that the lab makes in its pool; all else in there belongs to machines. */
const ownVolume = /^corral-lab-[a-z0-9]+-[0-9a-f]{8}\.(qcow2|vmlinux|initrd)$/;

/** The lab's volumes of an image. */
export interface LabVolumes {
  readonly image: string;
  readonly kernel: string;
  readonly initrd: string;
}

export function volumesOf(image: Pick<GuestImage, "name">): LabVolumes {
  const stem = `corral-lab-${image.name}`;
  return {
    image: `${stem}.qcow2`,
    kernel: `${stem}.vmlinux`,
    initrd: `${stem}.initrd`,
  };
}

export function isOwnVolume(name: string): boolean {
  return ownVolume.test(name);
}

/** Whether the pool is there and active, and holds the volumes of the image. */
export async function poolHas(volumes: LabVolumes): Promise<boolean> {
  try {
    const there = await volumeNames();
    return Object.values(volumes).every((volume) => there.includes(volume));
  } catch {
    return false;
  }
}

/** Makes the pool and puts the image into it, unless it is there whole. */
export async function ensurePool(image: GuestImage): Promise<LabVolumes> {
  const pools = await virshList("pool-list", "--all", "--name");
  if (!pools.includes(poolName)) {
    await virsh(["pool-define-as", poolName, "dir", "--target", poolFolder]);
  }
  const active = await virshList("pool-list", "--name");
  if (!active.includes(poolName)) {
    await virsh(["pool-build", poolName]);
    await virsh(["pool-start", poolName]);
  }
  const volumes = volumesOf(image);
  await put(image.disk, volumes.image, "qcow2");
  await put(image.unpackedKernel, volumes.kernel, "raw");
  await put(image.initrd, volumes.initrd, "raw");
  await virsh(["pool-refresh", poolName]);
  await removeOldVolumes(volumes);
  return volumes;
}

/** Removes the lab's volumes of older images that no machine stands on. */
async function removeOldVolumes(current: LabVolumes): Promise<void> {
  const all = await volumeNames();
  const kept = new Set<string>(Object.values(current));
  const old = all.filter((name) => isOwnVolume(name) && !kept.has(name));
  if (old.length === 0) {
    return;
  }
  // Overlays may stand in any pool; domains may name a kernel.
  const pools = await virshList("pool-list", "--name");
  const overlays = await Promise.all(
    pools.map(async (pool) => {
      const rows = await virshList("vol-list", pool);
      const names = rows.map((row) => row.split(/\s+/)[0] ?? "");
      return Promise.all(
        names.map((name) => describedBy("vol-dumpxml", name, pool)),
      );
    }),
  );
  const domains = await virshList("list", "--all", "--name");
  const described = await Promise.all(
    domains.map((name) => describedBy("dumpxml", name)),
  );
  const inUse = [...overlays.flat(), ...described].join("\n");
  for (const name of old) {
    if (!backingOrFile(inUse, path.join(poolFolder, name))) {
      await virsh(["vol-delete", name, poolName]);
    }
  }
}

/** What virsh says of a thing; nothing when it has gone meanwhile. */
function describedBy(...args: string[]): Promise<string> {
  return virsh(args).catch(() => "");
}

/** Whether the XML of volumes and domains uses a file, other than the volume describing itself. */
export function backingOrFile(xml: string, file: string): boolean {
  const withoutTargets = xml.replace(
    /<target>[\s\S]*?<\/target>|<(name|key)>[^<]*<\/\1>/g,
    "",
  );
  return (
    withoutTargets.includes(file) ||
    withoutTargets.includes(`volume='${path.basename(file)}'`)
  );
}

async function put(
  file: string,
  volume: string,
  format: "qcow2" | "raw",
): Promise<void> {
  if (canWrite(poolFolder)) {
    copyWhole(file, path.join(poolFolder, volume));
    return;
  }
  const bytes = fs.statSync(file).size;
  await virsh(["pool-refresh", poolName]);
  if ((await volumeNames()).includes(volume)) {
    // A volume cannot be renamed: an interrupted upload shows by its size.
    const info = await virsh([
      "vol-info",
      "--bytes",
      "--physical",
      volume,
      poolName,
    ]);
    if (new RegExp(`\\b${bytes} bytes`).test(info)) {
      return;
    }
    await virsh(["vol-delete", volume, poolName]);
  }
  await virsh([
    "vol-create-as",
    poolName,
    volume,
    String(bytes),
    "--format",
    format,
  ]);
  await virsh(["vol-upload", "--sparse", volume, file, poolName], 900);
}

/** Copies under another name first: an interrupted copy is never taken for whole. */
function copyWhole(from: string, to: string): void {
  if (fs.existsSync(to)) {
    return;
  }
  const draft = path.join(path.dirname(to), `.${path.basename(to)}.part`);
  fs.copyFileSync(from, draft, fs.constants.COPYFILE_FICLONE);
  fs.chmodSync(draft, 0o644);
  fs.renameSync(draft, to);
}

function canWrite(folder: string): boolean {
  try {
    fs.accessSync(folder, fs.constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Names of all volumes in the lab's pool. */
export async function volumeNames(): Promise<string[]> {
  await virsh(["pool-refresh", poolName]);
  const rows = await virshList("vol-list", poolName);
  return rows.map((row) => row.split(/\s+/)[0] ?? "");
}

/** What still stands on the lab: each thing as one line for people. */
export interface Users {
  /** Names of domains with a disk in the lab's pool, or on one of its images. */
  readonly domains: readonly string[];
  /** Volumes in the lab's pool that the lab did not make. */
  readonly volumes: readonly string[];
  /** Running domains and active networks of a daemon that would be ended. */
  readonly running: readonly string[];
  readonly networks: readonly string[];
}

export async function usersOfLab(endsDaemon: boolean): Promise<Users> {
  const all = await virshList("list", "--all", "--name");
  const volumes = (await virshList("pool-list", "--name")).includes(poolName)
    ? (await volumeNames()).filter((name) => !isOwnVolume(name))
    : [];
  const domains: string[] = [];
  for (const domain of all) {
    const xml = await virsh(["dumpxml", domain]).catch(() => "");
    if (xml.includes(`${poolFolder}/`) || xml.includes(`pool='${poolName}'`)) {
      domains.push(domain);
    }
  }
  return {
    domains,
    volumes,
    running: endsDaemon ? await virshList("list", "--name") : [],
    networks: endsDaemon ? await virshList("net-list", "--name") : [],
  };
}

/** The users as lines; none when nobody uses the lab. */
export function describeUsers(users: Users): string[] {
  const others = users.running.filter((name) => !users.domains.includes(name));
  return [
    ...users.domains.map(
      (name) => `machine ${name} (virsh -c ${uri} undefine ${name})`,
    ),
    ...others.map(
      (name) => `running machine ${name} (virsh -c ${uri} destroy ${name})`,
    ),
    ...users.volumes.map(
      (name) =>
        `volume ${poolName}/${name} (virsh -c ${uri} vol-delete ${name} ${poolName})`,
    ),
    ...users.networks.map(
      (name) => `active network ${name} (virsh -c ${uri} net-destroy ${name})`,
    ),
  ];
}

/** Ends and removes what uses the lab. Running machines and networks of others are only stopped. */
export async function removeUsers(users: Users): Promise<void> {
  const running = await virshList("list", "--name");
  for (const name of new Set([...users.domains, ...users.running])) {
    if (running.includes(name)) {
      await virsh(["destroy", name]);
    }
  }
  const defined = await virshList("list", "--all", "--name");
  for (const name of users.domains.filter((domain) =>
    defined.includes(domain),
  )) {
    await virsh([
      "undefine",
      name,
      "--nvram",
      "--managed-save",
      "--snapshots-metadata",
    ]);
  }
  for (const name of users.networks) {
    await virsh(["net-destroy", name]);
  }
}

/**
 * Makes the pool's volumes visible where it is there and not active, as after a reboot. Does nothing
 * where its folder has gone too.
 */
export async function activatePool(): Promise<void> {
  const defined = await virshList("pool-list", "--all", "--name");
  const active = await virshList("pool-list", "--name");
  if (
    defined.includes(poolName) &&
    !active.includes(poolName) &&
    fs.existsSync(poolFolder)
  ) {
    await virsh(["pool-start", poolName]);
  }
}

/** Removes the pool with everything in it. */
export async function removePool(): Promise<void> {
  if (!(await virshList("pool-list", "--all", "--name")).includes(poolName)) {
    return;
  }
  if ((await virshList("pool-list", "--name")).includes(poolName)) {
    for (const volume of await volumeNames()) {
      await virsh(["vol-delete", volume, poolName]);
    }
    if (canWrite(poolFolder)) {
      // A copy that was interrupted is no volume.
      fs.readdirSync(poolFolder)
        .filter((name) => name.endsWith(".part"))
        .forEach((name) => fs.rmSync(path.join(poolFolder, name)));
    }
    await virsh(["pool-destroy", poolName]);
    await virsh(["pool-delete", poolName]);
  }
  await virsh(["pool-undefine", poolName]);
}
