import * as fs from "node:fs";
import * as path from "node:path";

import execa from "execa";

import { libvirtChains, removeLibvirtChains } from "./firewall";
import { becomes, end, know, type KnownProcess } from "./processes";
import { type HostNotes, labFolder } from "./state";

export const uri = "qemu:///system";

/** Started in this order, ended in the other. */
const daemons = [
  { name: "virtlogd", pidFile: "/run/virtlogd.pid", logs: "3" },
  { name: "libvirtd", pidFile: "/run/libvirtd.pid", logs: "3" },
] as const;

/** Where a daemon shall log; also the mark by which one of the lab's is known. */
const logVariable = "LIBVIRT_LOG_OUTPUTS";

/** Folders in which daemons and the machines' logs leave files that mean nothing without them. */
const daemonFolders = [
  "/run/libvirt",
  "/var/log/libvirt",
  "/var/cache/libvirt",
];
/** Folders that hold users' data too: only empty folders and what is named here is removed. */
const dataFolders = ["/var/lib/libvirt", "/etc/libvirt"];
const privateFiles =
  /^\/var\/lib\/libvirt\/(dnsmasq\/[^/]+|qemu\/[^/]+\.monitor|qemu\/domain-[^/]+\/.*)$/;

/** Runs virsh on the lab's daemon. Throws with what it said. */
export async function virsh(
  args: readonly string[],
  timeoutSeconds = 30,
): Promise<string> {
  const result = await execa("virsh", ["-q", "-c", uri, ...args], {
    env: { LC_ALL: "C" },
    stdin: "ignore",
    timeout: timeoutSeconds * 1000,
    reject: false,
  });
  if (result.failed) {
    const said = result.timedOut
      ? `no answer within ${timeoutSeconds} s`
      : result.stderr.trim();
    throw new Error(
      `virsh ${args.join(" ")}: ${said || `exit code ${result.exitCode}`}`,
    );
  }
  return result.stdout.trim();
}

/** The lines of a list that virsh prints. */
export async function virshList(...args: string[]): Promise<string[]> {
  const lines = (await virsh(args)).split("\n");
  return lines.map((line) => line.trim()).filter((line) => line !== "");
}

export async function daemonAnswers(): Promise<boolean> {
  try {
    await virsh(["version", "--daemon"], 20);
    return true;
  } catch {
    return false;
  }
}

/** What `down` has to put back; taken before the lab starts daemons. */
export async function noteHost(): Promise<HostNotes> {
  const pathsBefore = [...daemonFolders, ...dataFolders].flatMap((folder) => [
    ...(fs.existsSync(folder) ? [folder] : []),
    ...entriesUnder(folder),
  ]);
  return {
    pathsBefore,
    chainsBefore: await libvirtChains(),
    ...kvmDeviceToChange(),
  };
}

/**
 * Starts virtlogd and libvirtd as daemons of their own session, so that they outlive the command
 * that started them.
 */
export async function startDaemons(notes: HostNotes): Promise<KnownProcess[]> {
  if (process.getuid?.() !== 0) {
    throw new Error(
      `No libvirt daemon answers on ${uri}, and starting one needs root. Start it by ` +
        "`sudo systemctl start libvirtd`, and be a member of the group libvirt; or run the " +
        "command as root.",
    );
  }
  openKvmDevice(notes);
  fs.mkdirSync(labFolder(), { recursive: true });
  const started: KnownProcess[] = [];
  for (const daemon of daemons) {
    const running = await startOne(daemon);
    if (running !== undefined) {
      started.push(running);
    }
  }
  if (!(await becomes(daemonAnswers, 30))) {
    await endDaemons(started);
    throw new Error(
      `libvirtd was started but does not answer on ${uri} within 30 s. Its last messages:\n` +
        tail(logFile("libvirtd")),
    );
  }
  return started;
}

async function startOne(
  daemon: (typeof daemons)[number],
): Promise<KnownProcess | undefined> {
  if (runningDaemon(daemon.pidFile, daemon.name) !== undefined) {
    return undefined; // Somebody else's.
  }
  const log = logFile(daemon.name);
  const begun = await execa("setsid", ["--fork", daemon.name, "--daemon"], {
    env: { [logVariable]: `${daemon.logs}:file:${log}` },
    stdio: "ignore",
    reject: false,
    timeout: 30_000,
  });
  let found: KnownProcess | undefined;
  const came = await becomes(() => {
    found = runningDaemon(daemon.pidFile, daemon.name);
    return found !== undefined;
  }, 15);
  if (begun.failed || !came) {
    throw new Error(
      `${daemon.name} could not be started (exit code ${begun.exitCode ?? "none"}). ` +
        `Its last messages:\n${tail(log)}\nTry by hand: ${daemon.name}`,
    );
  }
  return found;
}

/** The daemon that a pid file names, if it is that program. */
function runningDaemon(
  pidFile: string,
  name: string,
): KnownProcess | undefined {
  try {
    const pid = Number(fs.readFileSync(pidFile, "utf8").trim());
    const command = fs.readFileSync(`/proc/${pid}/comm`, "utf8").trim();
    return command === name ? know(name, pid) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Running daemons that the lab started, known by their environment. No notes are needed, so those
 * of an `up` that was killed are found as well.
 */
export function markedDaemons(): KnownProcess[] {
  return daemons.flatMap(({ name, pidFile }) => {
    const running = runningDaemon(pidFile, name);
    return running !== undefined && isMarked(environmentOf(running.pid), name)
      ? [running]
      : [];
  });
}

/**
 * Whether a daemon with this environment was started by the lab.
 *
 * @param environment text of /proc/PID/environ.
 */
export function isMarked(
  environment: string,
  name: string,
  folder: string = labFolder(),
): boolean {
  return environment
    .split("\0")
    .some(
      (entry) =>
        entry.startsWith(`${logVariable}=`) &&
        entry.endsWith(`:file:${logFile(name, folder)}`),
    );
}

/** Empty where it may not be read. */
function environmentOf(pid: number): string {
  try {
    return fs.readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch {
    return "";
  }
}

function logFile(name: string, folder: string = labFolder()): string {
  return path.join(folder, `${name}.log`);
}

/** Ends daemons that the lab started, the last one first. */
export async function endDaemons(
  started: readonly KnownProcess[],
): Promise<void> {
  for (const daemon of [...started].reverse()) {
    await end(daemon);
  }
}

/** Puts the host back as it was before the lab's daemons. No libvirtd may run: it needs these files. */
export async function restoreHost(notes: HostNotes): Promise<void> {
  const before = new Set(notes.pathsBefore);
  for (const folder of daemonFolders) {
    removeNew(folder, before, () => true);
  }
  for (const folder of dataFolders) {
    removeNew(folder, before, (file) => privateFiles.test(file));
  }
  for (const { name, pidFile } of daemons) {
    if (fs.existsSync(pidFile) && runningDaemon(pidFile, name) === undefined) {
      fs.rmSync(pidFile, { force: true });
    }
  }
  if (notes.chainsBefore !== undefined) {
    await removeLibvirtChains(notes.chainsBefore);
  }
  const { kvmDevice } = notes;
  if (kvmDevice !== undefined && isOpenedByLab()) {
    fs.chownSync("/dev/kvm", fs.statSync("/dev/kvm").uid, kvmDevice.gid);
    fs.chmodSync("/dev/kvm", kvmDevice.mode);
  }
}

/** Removes new files that may go, then new folders that are empty; deepest first. */
function removeNew(
  folder: string,
  before: ReadonlySet<string>,
  mayGo: (file: string) => boolean,
): void {
  const now = [folder, ...entriesUnder(folder)].filter(
    (entry) => !before.has(entry),
  );
  for (const entry of now.reverse()) {
    const stat = fs.lstatSync(entry, { throwIfNoEntry: false });
    if (stat?.isDirectory()) {
      if (fs.readdirSync(entry).length === 0) {
        fs.rmdirSync(entry);
      }
    } else if (stat !== undefined && mayGo(entry)) {
      fs.rmSync(entry, { force: true });
    }
  }
}

/** All paths under a folder, each after its own folder. */
function entriesUnder(folder: string): string[] {
  if (!fs.existsSync(folder)) {
    return [];
  }
  return (fs.readdirSync(folder, { recursive: true }) as string[])
    .map((entry) => path.join(folder, entry))
    .sort();
}

/**
 * Debian's udev gives /dev/kvm to the group kvm. Without udev it is root's alone; libvirt 9.0 then
 * finds KVM when it asks QEMU as root and not when it looks as QEMU's user, and asks anew at every
 * call: seven seconds each.
 */
function kvmDeviceToChange(): Pick<HostNotes, "kvmDevice"> {
  const stat = fs.statSync("/dev/kvm", { throwIfNoEntry: false });
  if (stat === undefined || (stat.mode & 0o006) === 0o006) {
    return {};
  }
  const gid = kvmGroup();
  const isRight = stat.gid === gid && (stat.mode & 0o060) === 0o060;
  return gid === undefined || isRight
    ? {}
    : { kvmDevice: { mode: stat.mode & 0o7777, gid: stat.gid } };
}

function openKvmDevice(notes: HostNotes): void {
  const gid = kvmGroup();
  if (notes.kvmDevice !== undefined && gid !== undefined) {
    fs.chownSync("/dev/kvm", fs.statSync("/dev/kvm").uid, gid);
    fs.chmodSync("/dev/kvm", 0o660);
  }
}

/** Whoever changed the device meanwhile has their reasons. */
function isOpenedByLab(): boolean {
  const stat = fs.statSync("/dev/kvm", { throwIfNoEntry: false });
  return (
    stat !== undefined &&
    stat.gid === kvmGroup() &&
    (stat.mode & 0o7777) === 0o660
  );
}

function kvmGroup(): number | undefined {
  const line = fs
    .readFileSync("/etc/group", "utf8")
    .split("\n")
    .find((entry) => entry.startsWith("kvm:"));
  return line === undefined ? undefined : Number(line.split(":")[2]);
}

function tail(file: string): string {
  return fs.existsSync(file)
    ? fs.readFileSync(file, "utf8").trim().split("\n").slice(-15).join("\n")
    : "(it wrote nothing)";
}
