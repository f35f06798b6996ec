import type { PackageManager } from "@corral-iac/corral/core/packageInstall";
import type { Mount } from "./mountTable";

/** What is at a path in the guest. */
export type PathKind =
  /** Nothing; `base` of {@link PathState} is its nearest folder that exists. */
  | "missing"
  | "empty"
  /** A folder with something in it. */
  | "full"
  | "mounted"
  /** No folder. */
  | "other"
  /** It, or a folder that it is in, is a symbolic link. */
  | "link";

export interface PathState {
  readonly kind: PathKind;
  /** The nearest folder that exists; for a link, where it leads. */
  readonly base: string;
}

/** What one look at a guest has found. */
export interface GuestSurvey {
  /** Text of /etc/fstab as bytes, one character each; empty if there is none. */
  readonly fstab: string;
  readonly mounts: readonly Mount[];
  readonly hasClient: boolean;
  readonly packageManager: PackageManager | undefined;
  /** By path, those that were asked for. */
  readonly paths: Readonly<Record<string, PathState>>;
}

/** A share to mount, with the options that mount gets. */
export interface MountRequest {
  readonly source: string;
  readonly mountPoint: string;
  readonly options: readonly string[];
  readonly timeoutSeconds: number;
}

/** What mount said; `undefined`: it gave no answer in time and was ended. */
export interface MountOutcome {
  readonly failed: boolean;
  readonly said: string | undefined;
  /** What is mounted now. */
  readonly mounts: readonly Mount[];
}

/** What is done in a guest to mount a share; each call is one script, and bounded. */
export interface MountGuest {
  survey(paths: readonly string[]): Promise<GuestSurvey>;
  /** Installs an NFS client. */
  install(manager: PackageManager): Promise<void>;
  /** Makes the folders, the outermost first, and mounts the share. */
  mount(
    request: MountRequest,
    folders: readonly string[],
  ): Promise<MountOutcome>;
  /** Mounts the share somewhere else and unmounts it again: shows that it can be mounted. */
  tryMount(request: MountRequest): Promise<Omit<MountOutcome, "mounts">>;
  /** Takes off the topmost mount, if it is not in use and answers; returns what is mounted now. */
  unmount(mountPoint: string): Promise<readonly Mount[]>;
  /** Takes it out of sight at once; it ends when nobody uses it any more. Returns what is mounted now. */
  unmountLazily(mountPoint: string): Promise<readonly Mount[]>;
  /** Who has something open below the path, for instance `bash (812)`. Never reads from there. */
  users(path: string): Promise<string[]>;
  /** Removes the folders that are empty, in this order, up to the first that is not. */
  removeFolders(folders: readonly string[]): Promise<void>;
  /** Replaces /etc/fstab if it is what it was. False: somebody has changed it meanwhile. */
  replaceFstab(before: string, after: string): Promise<boolean>;
}
