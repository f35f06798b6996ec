import type {
  GuestSurvey,
  MountGuest,
  MountOutcome,
  MountRequest,
  PathState,
} from "@corral-iac/corral-ops/guest/mountGuest";
import type { Mount } from "@corral-iac/corral-ops/guest/mountTable";
import type { PackageManager } from "@corral-iac/corral/core/packageInstall";

/** A guest in memory, which refuses what a real one refuses. */
export class FakeMountGuest implements MountGuest {
  fstab = "UUID=1 / ext4 defaults 0 0\n";
  mounts: Mount[] = [{ mountPoint: "/", type: "ext4", source: "/dev/vda1" }];
  readonly folders = new Set(["/", "/srv", "/mnt"]);
  readonly links = new Map<string, string>();
  readonly files = new Set<string>();
  hasClient = true;
  packageManager: PackageManager | undefined = "apt-get";
  installs = true;
  /** What mount says of a source that cannot be mounted; `undefined` as a value: no answer. */
  readonly refusals = new Map<string, string | undefined>();
  /** Mounts that come about although mount gave no answer. */
  readonly late = new Set<string>();
  /** Paths that somebody is in. */
  readonly busy = new Set<string>();
  /** What somebody else does to fstab between two of our steps. */
  meddling: ((fstab: string) => string)[] = [];
  fstabIsReadOnly = false;
  readonly done: string[] = [];
  /** Options by which what is mounted was mounted. */
  readonly mountedBy = new Map<string, string>();

  async survey(paths: readonly string[]): Promise<GuestSurvey> {
    this.done.push("survey");
    return {
      fstab: this.fstab,
      mounts: [...this.mounts],
      hasClient: this.hasClient,
      packageManager: this.packageManager,
      paths: Object.fromEntries(paths.map((path) => [path, this.look(path)])),
    };
  }

  private look(path: string): PathState {
    if (path !== "/" && this.at(path).length > 0) {
      return { kind: "mounted", base: path };
    }
    let base = path;
    while (!this.exists(base)) {
      base = base.slice(0, base.lastIndexOf("/")) || "/";
    }
    const target = this.links.get(base);
    if (target !== undefined) {
      return { kind: "link", base: target };
    }
    if (this.files.has(base)) {
      return { kind: "other", base };
    }
    if (base !== path) {
      return { kind: "missing", base };
    }
    return { kind: this.isEmpty(path) ? "empty" : "full", base };
  }

  private exists(path: string): boolean {
    return (
      this.folders.has(path) || this.links.has(path) || this.files.has(path)
    );
  }

  private isEmpty(path: string): boolean {
    return ![...this.folders, ...this.files].some((other) =>
      other.startsWith(`${path}/`),
    );
  }

  at(path: string): Mount[] {
    return this.mounts.filter(({ mountPoint }) => mountPoint === path);
  }

  async install(manager: PackageManager): Promise<void> {
    this.done.push(`install by ${manager}`);
    this.hasClient = this.installs;
  }

  async mount(
    request: MountRequest,
    folders: readonly string[],
  ): Promise<MountOutcome> {
    const { source, mountPoint, options } = request;
    this.done.push(`mount ${source} ${mountPoint} ${options.join(",")}`);
    for (const folder of folders) {
      const parent = folder.slice(0, folder.lastIndexOf("/")) || "/";
      if (!this.folders.has(parent)) {
        throw new Error(`mkdir: no such file or directory: ${folder}`);
      }
      this.folders.add(folder);
    }
    const failed = this.refusals.has(source);
    if (!failed || this.late.has(source)) {
      if (!this.folders.has(mountPoint)) {
        throw new Error(`mount: mount point ${mountPoint} does not exist`);
      }
      this.mounts.push({ mountPoint, type: "nfs4", source });
      this.mountedBy.set(mountPoint, options.join(","));
    }
    return {
      failed,
      said: this.refusals.get(source),
      mounts: [...this.mounts],
    };
  }

  async tryMount({
    source,
  }: MountRequest): Promise<Omit<MountOutcome, "mounts">> {
    this.done.push(`try ${source}`);
    return {
      failed: this.refusals.has(source),
      said: this.refusals.get(source),
    };
  }

  async unmount(mountPoint: string): Promise<readonly Mount[]> {
    this.done.push(`unmount ${mountPoint}`);
    if (!this.busy.has(mountPoint)) {
      this.take(mountPoint);
    }
    return [...this.mounts];
  }

  async unmountLazily(mountPoint: string): Promise<readonly Mount[]> {
    this.done.push(`unmount ${mountPoint} lazily`);
    this.busy.delete(mountPoint);
    this.take(mountPoint);
    return [...this.mounts];
  }

  private take(mountPoint: string): void {
    const top = this.at(mountPoint).at(-1);
    this.mounts = this.mounts.filter((mount) => mount !== top);
    this.mountedBy.delete(mountPoint);
  }

  async users(path: string): Promise<string[]> {
    return this.busy.has(path) ? ["bash (812)"] : [];
  }

  async removeFolders(folders: readonly string[]): Promise<void> {
    for (const folder of folders) {
      if (!this.isEmpty(folder) || this.at(folder).length > 0) {
        return;
      }
      this.folders.delete(folder);
    }
  }

  async replaceFstab(before: string, after: string): Promise<boolean> {
    this.done.push("edit fstab");
    this.fstab = this.meddling.shift()?.(this.fstab) ?? this.fstab;
    if (this.fstab !== before) {
      return false;
    }
    if (this.fstabIsReadOnly) {
      throw new Error("editing /etc/fstab failed: Read-only file system");
    }
    this.fstab = after;
    return true;
  }
}
