import { clonedSize, type DiskSpec } from "./disks";
import { diskName } from "./names";
import type { SnapshotDisk } from "./snapshots";

/** A snapshot whose disks are cloned. */
export interface CloneSource {
  readonly namespace: string;
  /** The root disk first. */
  readonly disks: readonly SnapshotDisk[];
}

/** A machine that gets clones. */
export interface CloneTarget {
  readonly machineName: string;
  readonly generation: number;
  /** Size of the root disk; default: as it was. */
  readonly rootBytes?: number | undefined;
  readonly storageClass?: string | undefined;
}

/**
 * The disks of a machine that is cloned. The same for whoever clones them ahead and for the machine
 * that takes them up, which finds them by their names.
 *
 * @throws Error when the root disk is asked to be smaller than it was.
 */
export function clonedDisks(
  source: CloneSource,
  target: CloneTarget,
): DiskSpec[] {
  const { machineName, generation, rootBytes, storageClass } = target;
  return source.disks.map(({ volume, volumeSnapshot, sizeBytes }, index) => ({
    name: diskName(machineName, volume, generation),
    volume,
    source: {
      kind: "snapshot",
      namespace: source.namespace,
      name: volumeSnapshot,
    },
    sizeBytes:
      index === 0
        ? clonedSize(`the root disk of ${machineName}`, sizeBytes, rootBytes)
        : sizeBytes,
    storageClass,
  }));
}
