import { nfsSource, OWN_MOUNT_OPTIONS } from "@corral-iac/corral/core/nfsShare";

import { linesOfOthersFor, ownEntry, plainOptions } from "./fstab";
import type { FstabEntry } from "./fstab";
import type { GuestSurvey } from "./mountGuest";
import { isNfsOf, mountsAt } from "./mountTable";
import type { Mount } from "./mountTable";

/** An NFS share and where it belongs in the guest. */
export interface Share {
  readonly server: string;
  readonly hostPath: string;
  readonly guestPath: string;
  readonly options: readonly string[];
}

/** What is mounted where by which options: as a state has it, or a line in fstab. */
export interface Placed {
  readonly source: string;
  readonly guestPath: string;
  readonly options: readonly string[];
}

export function placed({
  server,
  hostPath,
  guestPath,
  options,
}: Share): Placed {
  return { source: nfsSource(server, hostPath), guestPath, options };
}

/** The file system of our lines: mount.nfs takes the newest version that both sides speak. */
const FILE_SYSTEM = "nfs";

/** The line that a share has in fstab. */
export function entryOf({ source, guestPath, options }: Placed): FstabEntry {
  return {
    source,
    mountPoint: guestPath,
    type: FILE_SYSTEM,
    options: [...OWN_MOUNT_OPTIONS, ...options],
  };
}

/** Our line in fstab, if there is one. */
export function placedByLine(fstab: string, id: string): Placed | undefined {
  const own = ownEntry(fstab, id);
  return (
    own && {
      source: own.source,
      guestPath: own.mountPoint,
      options: plainOptions(own, id).filter(
        (option) => !OWN_MOUNT_OPTIONS.includes(option),
      ),
    }
  );
}

/** Throws where fstab has an entry of somebody else for the path. */
export function refuseLines(
  fstab: string,
  guestPath: string,
  id: string,
): void {
  const lines = linesOfOthersFor(fstab, guestPath, id);
  if (lines.length > 0) {
    throw new Error(
      `/etc/fstab of the guest has an entry for ${guestPath} that is not this mount's:\n` +
        `${lines.map((line) => `  ${line}`).join("\n")}\n` +
        "Nothing was changed. Remove it, or choose another guestPath.",
    );
  }
}

/**
 * Throws where something of somebody else is in the way of the share.
 *
 * @param known what of ours was there before.
 */
export function refuseStrangers(
  survey: GuestSurvey,
  { guestPath, source }: Placed,
  id: string,
  known: readonly Placed[],
): void {
  refuseLines(survey.fstab, guestPath, id);
  const top = mountsAt(survey.mounts, guestPath).at(-1);
  const ours = known.filter((old) => old.guestPath === guestPath);
  if (
    top !== undefined &&
    ![source, ...ours.map((old) => old.source)].some((one) => isNfsOf(top, one))
  ) {
    throw new Error(
      `${top.source} (${top.type}) is mounted at ${guestPath} in the guest, and is not this mount's. ` +
        "Nothing was changed. Unmount it, or choose another guestPath.",
    );
  }
  const at = survey.paths[guestPath];
  if (at?.kind === "link") {
    throw new Error(
      `guestPath ${guestPath} leads through a symbolic link to ${at.base}, and the guest would not ` +
        "mount it at its next boot. Nothing was changed. Give the path without links.",
    );
  }
  if (at?.kind === "other") {
    throw new Error(
      `guestPath ${guestPath} leads to ${at.base} in the guest, which is no folder. Nothing was ` +
        "changed. Remove it, or choose another guestPath.",
    );
  }
}

/** Whether the share is mounted by its options. The kernel does not tell those; what was there before does. */
export function isMountedAsWished(
  top: Mount | undefined,
  share: Placed,
  known: readonly Placed[],
): boolean {
  return (
    isNfsOf(top, share.source) &&
    known.length > 0 &&
    known.every(
      (old) =>
        old.guestPath === share.guestPath &&
        old.source === share.source &&
        JSON.stringify(old.options) === JSON.stringify(share.options),
    )
  );
}

/** What a look found of a share. */
export interface Finding {
  /** The share as our line in fstab has it; without one, as it was declared. */
  readonly found: Placed;
  /** What is not as it should be, in words; empty: all is. */
  readonly faults: readonly string[];
}

/** Undefined: there is no line of ours, and the share is not mounted. */
export function judge(
  survey: GuestSurvey,
  id: string,
  share: Share,
): Finding | undefined {
  const own = ownEntry(survey.fstab, id);
  const found = placedByLine(survey.fstab, id) ?? placed(share);
  const top = mountsAt(survey.mounts, found.guestPath).at(-1);
  if (own === undefined && !isNfsOf(top, found.source)) {
    return undefined;
  }
  return {
    found,
    faults: [...lineFaults(own, found.guestPath), ...mountFaults(top, found)],
  };
}

function lineFaults(own: FstabEntry | undefined, guestPath: string): string[] {
  if (own === undefined) {
    return [`/etc/fstab has no line for ${guestPath} any more`];
  }
  const missing = OWN_MOUNT_OPTIONS.filter(
    (option) => !own.options.includes(option),
  );
  return [
    ...(missing.length > 0
      ? [
          `the line for ${guestPath} in /etc/fstab lacks ${missing.join(" and ")}`,
        ]
      : []),
    ...(own.type === FILE_SYSTEM
      ? []
      : [
          `the line for ${guestPath} in /etc/fstab has the type ${own.type} instead of ${FILE_SYSTEM}`,
        ]),
  ];
}

function mountFaults(
  top: Mount | undefined,
  { guestPath, source }: Placed,
): string[] {
  if (top === undefined) {
    return [`${source} is not mounted at ${guestPath}`];
  }
  return isNfsOf(top, source)
    ? []
    : [`${top.source} (${top.type}) is mounted at ${guestPath}`];
}
