const BYTES_PER_MIB = 1024 ** 2;
const BYTES_PER_GIB = 1024 ** 3;
const BYTES_PER_SECTOR = 512;

/**
 * Gibibytes (2^30 bytes) as bytes, rounded up to whole disk sectors as QEMU does: otherwise the disk
 * on the hypervisor would differ from the one asked for, and a refresh would find a change.
 */
export function gibToBytes(gib: number): number {
  return Math.ceil((gib * BYTES_PER_GIB) / BYTES_PER_SECTOR) * BYTES_PER_SECTOR;
}

/** Bytes for people, in the largest of B, MiB and GiB that leaves a number of one or more. */
export function formatBytes(bytes: number): string {
  if (bytes >= BYTES_PER_GIB) {
    return `${(bytes / BYTES_PER_GIB).toFixed(1)} GiB`;
  }
  if (bytes >= BYTES_PER_MIB) {
    return `${(bytes / BYTES_PER_MIB).toFixed(1)} MiB`;
  }
  return `${bytes} B`;
}
