import type { Cluster } from "../cluster";
import { drivesOf, isCdDrive, isCloudInitDrive } from "../config/drives";
import type { GuestDisk } from "../guests/backend";
import type { MachineState } from "../state/model";
import { fileOfContent, parseVolumeId } from "./volumes";

/** The disks and CDs of a machine that have data. */
export function disksOf(
  cluster: Cluster,
  { config }: Pick<MachineState, "config">,
): GuestDisk[] {
  return [...drivesOf(config)].flatMap(([key, drive]): GuestDisk[] => {
    const volume = cluster.store.state.volumes[drive.file];
    const id = parseVolumeId(drive.file);
    const file =
      volume?.data ??
      (id && fileOfContent(cluster.store.storage(id.storage), id.name)?.file);
    if (file === undefined) {
      return [];
    }
    const isCd = isCdDrive(drive);
    return [{ key, file, format: isCd ? "raw" : "qcow2", isCd }];
  });
}

/** Disks whose data snapshots are made of: neither CDs nor the cloud-init drive. */
export function snapshotDisks(
  cluster: Cluster,
  machine: Pick<MachineState, "config">,
): GuestDisk[] {
  const keys = [...drivesOf(machine.config)]
    .filter(([, drive]) => !isCdDrive(drive) && !isCloudInitDrive(drive))
    .map(([key]) => key);
  return disksOf(cluster, machine).filter(({ key }) => keys.includes(key));
}
