import * as fs from "node:fs";
import * as path from "node:path";

import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";

import { corralHome } from "@corral-iac/corral/core/home";

const startedDaemon = Type.Object({
  name: Type.String(),
  pid: Type.Integer({ minimum: 1 }),
  /** Start time in the kernel's ticks since boot, so that a recycled pid is never killed. */
  started: Type.String(),
});

const libvirtLab = Type.Object({
  /** Connection URI of the daemon. */
  uri: Type.String(),
  /** What machines run on here: `kvm` only if a trial boot worked. */
  accelerator: Type.Union([Type.Literal("kvm"), Type.Literal("tcg")]),
  /** Name of the storage pool. */
  pool: Type.String(),
  /** Volume of the guest image in that pool; machines use it as base of overlays. */
  image: Type.String(),
  /** The guest image in the cache. */
  imageFile: Type.String(),
  /** Kernel in the cache, a bzImage. */
  kernel: Type.String(),
  /** Initial RAM disk in the cache. */
  initrd: Type.String(),
  /** For booting without the disk's boot loader, which is quicker: files that QEMU's user can read. */
  directBoot: Type.Object({
    /** The kernel unpacked (ELF, started by its PVH entry), or the bzImage where that cannot be. */
    kernel: Type.String(),
    initrd: Type.String(),
    /** The kernel's command line. */
    arguments: Type.String(),
  }),
  /** Daemons that `up` started; empty when there was one already. */
  startedDaemons: Type.Array(startedDaemon),
});

/** The lab for libvirt as machines use it. Kept in `$CORRAL_HOME/lab/libvirt.json`. */
export type LibvirtLab = Static<typeof libvirtLab>;

const hostNotes = Type.Object({
  /** Folders and files of daemons that were there before the lab started its own. */
  pathsBefore: Type.Array(Type.String()),
  /** Libvirt's firewall chains that were there already, by program and table. */
  chainsBefore: Type.Optional(
    Type.Record(Type.String(), Type.Array(Type.String())),
  ),
  /** Mode and group of /dev/kvm where `up` changed them. */
  kvmDevice: Type.Optional(
    Type.Object({ mode: Type.Integer(), gid: Type.Integer() }),
  ),
});

/** What `down` has to know of the host as it was. Kept in `$CORRAL_HOME/lab/host.json`. */
export type HostNotes = Static<typeof hostNotes>;

/** Folder of the lab's state and logs; `down` removes it. */
export function labFolder(home = corralHome()): string {
  return path.join(home, "lab");
}

export function labFile(home = corralHome()): string {
  return path.join(labFolder(home), "libvirt.json");
}

export function hostNotesFile(home = corralHome()): string {
  return path.join(labFolder(home), "host.json");
}

/** A text as {@link LibvirtLab}; undefined when it is none, as one of an older version. */
export function parseLab(text: string): LibvirtLab | undefined {
  return parse(libvirtLab, text);
}

export function parseHostNotes(text: string): HostNotes | undefined {
  return parse(hostNotes, text);
}

export function readLab(): LibvirtLab | undefined {
  const text = readOr(labFile());
  return text === undefined ? undefined : parseLab(text);
}

export function readHostNotes(): HostNotes | undefined {
  const text = readOr(hostNotesFile());
  return text === undefined ? undefined : parseHostNotes(text);
}

/** Writes a JSON file in one step: a reader sees the old or the new one, never a part. */
export function writeJson(file: string, value: LibvirtLab | HostNotes): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const draft = `${file}.tmp-${process.pid}`;
  fs.writeFileSync(draft, `${JSON.stringify(value, null, 2)}\n`);
  fs.renameSync(draft, file);
}

function parse<T>(
  schema: Parameters<typeof Value.Check>[0],
  text: string,
): T | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Value.Check(schema, value) ? (value as T) : undefined;
  } catch {
    return undefined;
  }
}

function readOr(file: string): string | undefined {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
