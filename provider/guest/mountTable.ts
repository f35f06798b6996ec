import { unescape } from "./fstab";

/** Something that is mounted, as the kernel tells it. */
export interface Mount {
  readonly mountPoint: string;
  readonly type: string;
  readonly source: string;
}

/**
 * Reads /proc/self/mountinfo (https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html), in the
 * kernel's order: of several at one mount point the last one is seen.
 *
 * @param text its bytes, one character each.
 */
export function parseMountinfo(text: string): Mount[] {
  return text.split("\n").flatMap((line) => {
    const fields = line.split(" ");
    // Optional fields, of any number, end with a hyphen.
    const end = fields.indexOf("-", 6);
    const [mountPoint, type, source] = [
      fields[4],
      fields[end + 1],
      fields[end + 2],
    ];
    return end < 0 ||
      mountPoint === undefined ||
      type === undefined ||
      source === undefined
      ? []
      : [
          {
            mountPoint: unescape(mountPoint),
            type,
            source: unescape(source),
          },
        ];
  });
}

/** All that is mounted at a path; the last one is seen. */
export function mountsAt(mounts: readonly Mount[], path: string): Mount[] {
  return mounts.filter(({ mountPoint }) => mountPoint === path);
}

/** Whether it is an NFS mount of this source. */
export function isNfsOf(mount: Mount | undefined, source: string): boolean {
  return (
    mount !== undefined &&
    (mount.type === "nfs" || mount.type === "nfs4") &&
    mount.source === source
  );
}

/** A mount point as the kernel writes it, to be looked for by a script. */
export function kernelPath(path: string): string {
  return path.replace(
    /[ \t\n\\]/g,
    (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`,
  );
}
