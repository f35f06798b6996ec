import { messageOf } from "@corral-iac/corral/core/errors";

import type { ResourceLog } from "../frame/context";
import { withEntry, withoutEntry } from "./fstab";
import type { GuestSurvey, MountGuest, MountRequest } from "./mountGuest";
import { isNfsOf, mountsAt } from "./mountTable";
import type { Mount } from "./mountTable";
import { clientPackages, explainMountFailure } from "./nfsClient";
import {
  entryOf,
  isMountedAsWished,
  placed,
  placedByLine,
  refuseLines,
  refuseStrangers,
} from "./shareView";
import type { Placed, Share } from "./shareView";

/** A share that was mounted, as the state knows it. */
export interface MountedShare extends Share {
  /** Folders that were made for it, the outermost first. */
  readonly madeFolders: readonly string[];
}

/** Where the work is done, by which mark our line is known, and how long one mount may take. */
export interface Workplace {
  readonly guest: MountGuest;
  readonly id: string;
  readonly timeoutSeconds: number;
  readonly log: Pick<ResourceLog, "warn" | "status">;
}

/** More changes of fstab than this while we edit it, and something is wrong. */
const edits = 8;
/** More mounts than this on top of each other, and something mounts them anew. */
const layers = 8;

/**
 * Makes it so: client installed, folder there, share mounted, line in fstab, whatever was so already.
 * Nothing is changed where something of somebody else is in the way. When the share cannot be mounted,
 * fstab and a share that was there before stay as they were.
 *
 * @param before what was mounted before, if this is an update.
 * @returns folders made for the share, the outermost first.
 */
export async function establish(
  place: Workplace,
  share: Share,
  before?: MountedShare,
): Promise<readonly string[]> {
  if (before !== undefined && areNested(share.guestPath, before.guestPath)) {
    // The new folder would be made inside the share that is still mounted, or hide it.
    await remove(place, before);
    return establish(place, share);
  }
  const { guest } = place;
  const wished = placed(share);
  const survey = await guest.survey([share.guestPath]);
  const known = earlier(place, survey, before);
  refuseStrangers(survey, wished, place.id, known);
  await ensureClient(place, survey);

  const old = mountsAt(survey.mounts, share.guestPath).at(-1);
  const isFresh = !isMountedAsWished(old, wished, known);
  if (isFresh && old !== undefined) {
    await rehearse(place, share);
  }
  const made = foldersToMake(place, share.guestPath, survey);
  try {
    if (isFresh) {
      await mountFresh(place, share, survey, made);
    }
    await editFstab(place, survey.fstab, (text) => {
      refuseLines(text, share.guestPath, place.id);
      return withEntry(text, place.id, entryOf(wished));
    });
  } catch (error) {
    if (isFresh) {
      await giveBack(place, wished, old, known);
    }
    await guest.removeFolders([...made].reverse()).catch(() => undefined);
    throw error;
  }
  const isMoved = before !== undefined && before.guestPath !== share.guestPath;
  let { mounts } = survey;
  for (const { guestPath, source } of known) {
    if (guestPath !== share.guestPath) {
      mounts = await unmountAll(place, guestPath, source, mounts);
    }
  }
  if (isMoved) {
    await guest.removeFolders([...before.madeFolders].reverse());
    return made;
  }
  return [...new Set([...(before?.madeFolders ?? []), ...made])];
}

/** Takes it back: unmounted, no line in fstab, the folders gone that were made for it and are empty. */
export async function remove(
  place: Workplace,
  share: MountedShare,
): Promise<void> {
  const survey = await place.guest.survey([]);
  let { mounts } = survey;
  for (const { guestPath, source } of earlier(place, survey, share)) {
    mounts = await unmountAll(place, guestPath, source, mounts);
  }
  await editFstab(place, survey.fstab, (text) => withoutEntry(text, place.id));
  await place.guest.removeFolders([...share.madeFolders].reverse());
}

/** What of ours was there before: as the state has it, and as our line in fstab has it. */
function earlier(
  { id }: Workplace,
  survey: GuestSurvey,
  before: Share | undefined,
): Placed[] {
  const line = placedByLine(survey.fstab, id);
  return [...(before ? [placed(before)] : []), ...(line ? [line] : [])];
}

async function ensureClient(
  { guest, log }: Workplace,
  survey: GuestSurvey,
): Promise<void> {
  if (survey.hasClient) {
    return;
  }
  const manager = survey.packageManager;
  if (manager === undefined) {
    throw new Error(
      "the guest has no NFS client (mount.nfs) and no package manager that Corral knows (apt-get, " +
        "dnf, zypper, apk). Install an NFS client in its image.",
    );
  }
  log.status(`installing ${clientPackages[manager]} in the guest`);
  await guest.install(manager);
  if (!(await guest.survey([])).hasClient) {
    throw new Error(
      `${clientPackages[manager]} was installed in the guest, and there is still no mount.nfs. ` +
        "Install an NFS client in its image.",
    );
  }
}

/** What is missing of the mount point, the outermost first. */
function foldersToMake(
  { log }: Workplace,
  guestPath: string,
  survey: GuestSurvey,
): string[] {
  const at = survey.paths[guestPath];
  if (at?.kind === "full") {
    log.warn(
      `${guestPath} has something in it, which the share hides while it is mounted`,
    );
  }
  if (at?.kind !== "missing") {
    return [];
  }
  const base = at.base === "/" ? "" : at.base;
  const names = guestPath.slice(base.length + 1).split("/");
  return names.map(
    (_name, index) => `${base}/${names.slice(0, index + 1).join("/")}`,
  );
}

/** Sees that the share can be mounted, before what is mounted now gives way. */
async function rehearse(place: Workplace, share: Share): Promise<void> {
  const trial = await place.guest.tryMount(requestFor(place, placed(share)));
  if (trial.failed) {
    throw failure(place, share, trial.said);
  }
}

/** Mounts the share in the place of what is mounted there now. */
async function mountFresh(
  place: Workplace,
  share: Share,
  { mounts }: GuestSurvey,
  folders: readonly string[],
): Promise<void> {
  const { guest, log } = place;
  const wished = placed(share);
  const old = mountsAt(mounts, share.guestPath).at(-1);
  if (old !== undefined) {
    await unmountAll(place, share.guestPath, old.source, mounts);
  }
  log.status(`mounting ${wished.source} at ${share.guestPath}`);
  const outcome = await guest.mount(requestFor(place, wished), folders);
  const top = mountsAt(outcome.mounts, share.guestPath).at(-1);
  if (!isNfsOf(top, wished.source)) {
    throw failure(
      place,
      share,
      outcome.failed
        ? outcome.said
        : "mount ended well, but the kernel's mount table does not have it",
    );
  }
}

/** After a failure: what was mounted before is mounted again, as far as that is possible. */
async function giveBack(
  place: Workplace,
  wished: Placed,
  old: Mount | undefined,
  known: readonly Placed[],
): Promise<void> {
  const { guest, log } = place;
  try {
    const { mounts } = await guest.survey([]);
    const top = mountsAt(mounts, wished.guestPath).at(-1);
    const isUntouched =
      old !== undefined &&
      old.source !== wished.source &&
      isNfsOf(top, old.source);
    if (isUntouched) {
      return;
    }
    await unmountAll(place, wished.guestPath, wished.source, mounts);
    if (old !== undefined) {
      const { options = [] } =
        known.find(({ source }) => source === old.source) ?? {};
      await guest.mount(
        requestFor(place, { ...wished, source: old.source, options }),
        [],
      );
    }
  } catch (error) {
    log.warn(
      `${wished.guestPath} could not be put back as it was: ${messageOf(error)}`,
    );
  }
}

/**
 * Takes off every mount of the source at the path, lazily where it is in use.
 *
 * @returns what is mounted then.
 */
async function unmountAll(
  { guest, log }: Workplace,
  path: string,
  source: string,
  seen: readonly Mount[],
): Promise<readonly Mount[]> {
  let mounts = seen;
  for (let layer = 0; layer < layers; layer++) {
    const before = mountsAt(mounts, path);
    if (!isNfsOf(before.at(-1), source)) {
      return mounts;
    }
    mounts = await guest.unmount(path);
    if (mountsAt(mounts, path).length < before.length) {
      continue;
    }
    const users = await guest.users(path).catch(() => []);
    const by = users.length > 0 ? ` by ${users.join(", ")}` : "";
    mounts = await guest.unmountLazily(path);
    log.warn(
      `${path} is in use${by}, or its server gives no answer: ${source} was unmounted lazily. It is ` +
        "out of sight now, and ends when nothing in the guest has it open any more",
    );
  }
  throw new Error(
    `${source} is mounted anew at ${path} in the guest each time that it is unmounted. Look for what ` +
      "mounts it there, an automounter for instance.",
  );
}

/** Edits fstab as it is at that moment, whoever else does. */
async function editFstab(
  { guest }: Workplace,
  seen: string,
  change: (text: string) => string,
): Promise<void> {
  let text = seen;
  for (let edit = 0; edit < edits; edit++) {
    const changed = change(text);
    if (changed === text || (await guest.replaceFstab(text, changed))) {
      return;
    }
    text = (await guest.survey([])).fstab;
  }
  throw new Error(
    `/etc/fstab of the guest was changed by somebody else at each of ${edits} attempts to edit it`,
  );
}

function requestFor(
  { timeoutSeconds }: Workplace,
  { source, guestPath, options }: Placed,
): MountRequest {
  return {
    source,
    mountPoint: guestPath,
    // By itself mount.nfs tries again for two minutes where nothing listens.
    options: ["retry=0", ...options],
    timeoutSeconds,
  };
}

function failure(
  { timeoutSeconds }: Workplace,
  share: Share,
  said: string | undefined,
): Error {
  return new Error(
    explainMountFailure({
      source: placed(share).source,
      server: share.server,
      guestPath: share.guestPath,
      said,
      timeoutSeconds,
    }),
  );
}

function areNested(one: string, other: string): boolean {
  return one.startsWith(`${other}/`) || other.startsWith(`${one}/`);
}
