import {
  PACKAGE_MANAGERS,
  type PackageManager,
} from "@corral-iac/corral/core/packageInstall";
import { kernelPath, parseMountinfo } from "./mountTable";
import type { Mount } from "./mountTable";
import type {
  GuestSurvey,
  MountGuest,
  MountOutcome,
  MountRequest,
  PathKind,
  PathState,
} from "./mountGuest";
import { clientPackages, installScript } from "./nfsClient";

import { RootShellError } from "./rootShell";
import type { RootResult, RootScript, RootShell } from "./rootShell";

/** Quick work, with room for an emulated guest that is busy. */
const quickSeconds = 60;
/** An unmount waits for the server to take what was written. */
const unmountSeconds = 30;
const installSeconds = 600;

/** Exit code by which a script says that it was not needed, or not possible, in the usual way. */
const OTHERWISE = 75;

/** The files that are looked at; others in tests. */
export interface MountFiles {
  readonly fstab: string;
  readonly mountinfo: string;
}

const systemFiles: MountFiles = {
  fstab: "/etc/fstab",
  mountinfo: "/proc/self/mountinfo",
};

/** What is being installed just now, by guest. */
const installations = new Map<string, Promise<void>>();

/** What is done in a guest, by scripts that its root runs. Paths and names reach them on their input. */
export class MountCommands implements MountGuest {
  constructor(
    private readonly shell: Pick<RootShell, "run" | "where">,
    private readonly signal: AbortSignal,
    private readonly files: MountFiles = systemFiles,
  ) {}

  async survey(paths: readonly string[]): Promise<GuestSurvey> {
    const { stdout } = await this.run({
      what: "looking at the guest's mounts",
      script: surveyScript(this.files),
      data: lines(paths.flatMap((path) => [path, kernelPath(path)])),
      timeoutSeconds: quickSeconds,
    });
    return readSurvey(stdout, paths);
  }

  /** Several shares of one guest wait for the same installation. */
  install(manager: PackageManager): Promise<void> {
    const { where } = this.shell;
    const installation =
      installations.get(where) ??
      this.run({
        what: `installing ${clientPackages[manager]} by ${manager}`,
        script: installScript(manager, installSeconds / 2),
        timeoutSeconds: installSeconds,
      })
        .then(() => undefined)
        .finally(() => installations.delete(where));
    installations.set(where, installation);
    return installation;
  }

  async removeFolders(folders: readonly string[]): Promise<void> {
    if (folders.length > 0) {
      await this.run({
        what: `removing ${folders[0]}`,
        script:
          'while IFS= read -r folder; do rmdir "$folder" 2>/dev/null || exit 0; done',
        data: lines(folders),
        timeoutSeconds: quickSeconds,
      });
    }
  }

  async mount(
    request: MountRequest,
    folders: readonly string[],
  ): Promise<MountOutcome> {
    const found = await this.tryFor(request, mountScript(this.files), folders);
    return {
      failed: found.failed,
      said: found.said,
      mounts: found.mounts ?? (await this.survey([])).mounts,
    };
  }

  async tryMount(request: MountRequest): Promise<Omit<MountOutcome, "mounts">> {
    const found = await this.tryFor(request, trialScript, []);
    if (found.failed) {
      // A mount that was ended may have come about a moment before.
      await this.run({
        what: "ending a trial mount",
        script: endTrialsScript(this.files),
        timeoutSeconds: quickSeconds,
      }).catch(() => undefined);
    }
    return found;
  }

  private async tryFor(
    { source, mountPoint, options, timeoutSeconds }: MountRequest,
    script: string,
    folders: readonly string[],
  ): Promise<Omit<MountOutcome, "mounts"> & { mounts?: Mount[] }> {
    const ended = await this.unlessSlow({
      what: `mounting ${source} at ${mountPoint}`,
      script,
      data: lines([source, mountPoint, options.join(","), ...folders]),
      timeoutSeconds,
      expectedCodes: [0, OTHERWISE],
    });
    return ended === undefined
      ? { failed: true, said: undefined }
      : {
          failed: ended.code !== 0,
          said: ended.stderr,
          mounts: decodedMounts(ended.stdout),
        };
  }

  async unmount(mountPoint: string): Promise<readonly Mount[]> {
    const ended = await this.unlessSlow({
      what: `unmounting ${mountPoint}`,
      script: `IFS= read -r path; umount "$path" >&2\n${tellMounts(this.files)}`,
      data: lines([mountPoint]),
      timeoutSeconds: unmountSeconds,
    });
    return ended === undefined
      ? (await this.survey([])).mounts
      : decodedMounts(ended.stdout);
  }

  async unmountLazily(mountPoint: string): Promise<readonly Mount[]> {
    const { stdout } = await this.run({
      what: `unmounting ${mountPoint} lazily`,
      script: `IFS= read -r path; umount -l "$path" || exit 1\n${tellMounts(this.files)}`,
      data: lines([mountPoint]),
      timeoutSeconds: quickSeconds,
    });
    return decodedMounts(stdout);
  }

  async users(path: string): Promise<string[]> {
    const { stdout } = await this.run({
      what: `looking for users of ${path}`,
      script: usersScript,
      data: lines([path]),
      timeoutSeconds: quickSeconds,
    });
    return stdout.split("\n").filter((line) => line !== "");
  }

  async replaceFstab(before: string, after: string): Promise<boolean> {
    const old = Buffer.from(before, "latin1");
    const fresh = Buffer.from(after, "latin1");
    const { code } = await this.run({
      what: `editing ${this.files.fstab}`,
      script: replaceScript(this.files.fstab, old.length, fresh.length),
      data: [old, fresh],
      timeoutSeconds: quickSeconds,
      expectedCodes: [0, OTHERWISE],
    });
    return code === 0;
  }

  /** Undefined: it took too long, and was ended. */
  private async unlessSlow(
    work: Omit<RootScript, "signal">,
  ): Promise<RootResult | undefined> {
    try {
      return await this.run(work);
    } catch (error) {
      if (error instanceof RootShellError && error.fault === "timeout") {
        return undefined;
      }
      throw error;
    }
  }

  private run(work: Omit<RootScript, "signal">): Promise<RootResult> {
    return this.shell.run({ ...work, signal: this.signal });
  }
}

/** No path that gets here has a line break in it: the arguments' check sees to that. */
function lines(values: readonly string[]): string {
  return values.map((value) => `${value}\n`).join("");
}

/**
 * One line for each thing, bytes in base64. A path that is mounted is not touched: a look at a share
 * whose server is gone does not return.
 */
function surveyScript({ fstab, mountinfo }: MountFiles): string {
  return `
encoded() { base64 | tr -d '\\n'; echo; }
mounts=$(cat ${mountinfo}) || exit 1
printf 'mounts '; printf '%s\\n' "$mounts" | encoded
printf 'fstab '
if [ -e ${fstab} ]; then encoded <${fstab} || exit 1; else echo; fi
for folder in /sbin /usr/sbin; do
  if [ -x $folder/mount.nfs ]; then echo client; break; fi
done
for manager in ${PACKAGE_MANAGERS.join(" ")}; do
  if command -v $manager >/dev/null 2>&1; then echo "manager $manager"; break; fi
done
while IFS= read -r path && IFS= read -r kernel; do
  base=$path
  case $mounts in
    *" $kernel "*) kind=mounted ;;
    *)
      while [ ! -e "$base" ] && [ ! -L "$base" ]; do base=\${base%/*}; base=\${base:-/}; done
      real=$(readlink -f "$base")
      if [ "$real" != "$base" ]; then kind=link base=$real
      elif [ ! -d "$base" ]; then kind=other
      elif [ "$base" != "$path" ]; then kind=missing
      elif [ -n "$(ls -A "$base")" ]; then kind=full
      else kind=empty
      fi ;;
  esac
  printf 'path %s ' $kind; printf '%s' "$base" | encoded
done`;
}

function readSurvey(output: string, paths: readonly string[]): GuestSurvey {
  const found = output.split("\n").map((line) => line.split(" "));
  const valueOf = (name: string) =>
    found.find(([key]) => key === name)?.[1] ?? "";
  const states = found
    .filter(([key]) => key === "path")
    .map(([, kind, base = ""]): PathState => ({
      kind: kind as PathKind,
      base: Buffer.from(base, "base64").toString("utf8"),
    }));
  if (states.length !== paths.length || valueOf("mounts") === "") {
    throw new Error("the guest's answer about its mounts is cut off");
  }
  const bytes = (name: string) =>
    Buffer.from(valueOf(name), "base64").toString("latin1");
  return {
    fstab: bytes("fstab"),
    mounts: parseMountinfo(bytes("mounts")),
    hasClient: found.some(([key]) => key === "client"),
    packageManager: PACKAGE_MANAGERS.find(
      (manager) => manager === valueOf("manager"),
    ),
    paths: Object.fromEntries(
      paths.map((path, index) => [path, states[index] as PathState]),
    ),
  };
}

/** Writes the mount table in base64: paths in it may be in any encoding. */
function tellMounts({ mountinfo }: MountFiles): string {
  return `base64 <${mountinfo}`;
}

function decodedMounts(base64: string): Mount[] {
  return parseMountinfo(Buffer.from(base64, "base64").toString("latin1"));
}

const readRequest =
  "IFS= read -r source; IFS= read -r path; IFS= read -r options\n";

function mountScript(files: MountFiles): string {
  return `${readRequest}
while IFS= read -r folder; do mkdir "$folder" || [ -d "$folder" ] || exit 1; done
mount -t nfs -o "$options" "$source" "$path" </dev/null >&2
code=$?
${tellMounts(files)}
[ $code -eq 0 ] || exit ${OTHERWISE}`;
}

const trialScript = `${readRequest}
trial=$(mktemp -d /run/corral-trial.XXXXXX) || exit 1
mount -t nfs -o "$options" "$source" "$trial" </dev/null || { rmdir "$trial"; exit ${OTHERWISE}; }
umount "$trial" || umount -l "$trial"
rmdir "$trial"`;

function endTrialsScript({ mountinfo }: MountFiles): string {
  return `
while read -r _ _ _ _ trial _; do
  case $trial in /run/corral-trial.*) umount -l "$trial" ;; esac
done <${mountinfo}
rmdir /run/corral-trial.* 2>/dev/null || true`;
}

/** Links of /proc alone are read, never what they lead to. */
const usersScript = `
IFS= read -r path
ls -ld /proc/[0-9]*/cwd /proc/[0-9]*/root /proc/[0-9]*/fd/* 2>/dev/null |
  awk -v path="$path" '
    { at = index($0, " -> "); target = substr($0, at + 4) }
    at && (target == path || index(target, path "/") == 1) {
      match($0, /\\/proc\\/[0-9]+\\//)
      print substr($0, RSTART + 6, RLENGTH - 7)
    }' |
  sort -un | head -n 5 |
  while read -r pid; do
    read -r name </proc/$pid/comm && echo "$name ($pid)"
  done 2>/dev/null
exit 0`;

/**
 * Written beside the file, with its owner and permissions, and put in its place when all of it is there.
 * A symbolic link stays one.
 */
function replaceScript(file: string, before: number, after: number): string {
  const unchanged =
    before === 0
      ? '[ ! -s "$file" ]'
      : `dd bs=${before} count=1 iflag=fullblock 2>/dev/null | cmp -s - "$file"`;
  return `
file=$(readlink -f ${file}) || file=${file}
draft=$(mktemp "\${file%/*}/.fstab.corral.XXXXXX") || exit 1
trap 'rm -f "$draft"' EXIT
trap 'exit 1' HUP INT TERM
${unchanged} || exit ${OTHERWISE}
if [ -e "$file" ]; then cp -p "$file" "$draft"; else chmod 644 "$draft"; fi || exit 1
cat >"$draft" || exit 1
[ "$(wc -c <"$draft")" -eq ${after} ] || { echo "not all of it was received or written" >&2; exit 1; }
if command -v chcon >/dev/null 2>&1; then chcon --reference="$file" "$draft" 2>/dev/null; fi
sync "$draft" 2>/dev/null
mv -f "$draft" "$file" || exit 1
trap - EXIT
if [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi`;
}
