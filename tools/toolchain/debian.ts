import * as fs from "node:fs";

import { run, whichSystem } from "./commands";
import { stepLine } from "./report";

/** A Debian package and a command or file by which it is seen to be there, on any distribution. */
interface DebianPackage {
  readonly name: string;
  readonly shows: string;
}

/** Groups of packages by what they are for. */
export const debianGroups = {
  /** The hypervisor, and what terraform-provider-libvirt 0.8.3 runs: xsltproc and mkisofs. */
  libvirt: [
    { name: "libvirt-daemon-system", shows: "/etc/libvirt/libvirtd.conf" },
    { name: "libvirt-daemon", shows: "libvirtd" },
    { name: "libvirt-clients", shows: "virsh" },
    { name: "qemu-system-x86", shows: "qemu-system-x86_64" },
    { name: "qemu-utils", shows: "qemu-img" },
    { name: "xsltproc", shows: "xsltproc" },
    { name: "genisoimage", shows: "mkisofs" },
    { name: "dnsmasq-base", shows: "dnsmasq" },
    { name: "iptables", shows: "iptables" },
    { name: "openssh-client", shows: "ssh" },
  ],
  /** Building the lab's guest image. */
  image: [
    { name: "mmdebstrap", shows: "mmdebstrap" },
    { name: "qemu-utils", shows: "qemu-img" },
    { name: "e2fsprogs", shows: "mkfs.ext4" },
    { name: "fdisk", shows: "sfdisk" },
  ],
  /** The lab's systemd hosts: containers with a link to this machine. */
  host: [
    { name: "systemd-container", shows: "systemd-nspawn" },
    { name: "iproute2", shows: "ip" },
    { name: "util-linux", shows: "nsenter" },
    { name: "openssh-client", shows: "ssh-keygen" },
  ],
  /** What the suites talk to beside the hypervisor: a real ssh server, and Alpine's shell. */
  tests: [
    { name: "openssh-server", shows: "/usr/sbin/sshd" },
    { name: "busybox", shows: "busybox" },
  ],
  /** What files are put into a guest with elsewhere, and a server to do it to. */
  bench: [
    { name: "openssh-server", shows: "/usr/sbin/sshd" },
    { name: "openssh-client", shows: "scp" },
    { name: "rsync", shows: "rsync" },
  ],
  /** The NFS server of the lab, which needs nothing of this machine's kernel. */
  nfs: [
    {
      name: "nfs-ganesha-vfs",
      shows: "/usr/lib/x86_64-linux-gnu/ganesha/libfsalvfs.so",
    },
  ],
  /** Making the lab's repository of Debian packages. */
  aptRepository: [
    { name: "apt-utils", shows: "apt-ftparchive" },
    { name: "gnupg", shows: "gpg" },
    { name: "gpg-agent", shows: "gpg-agent" },
  ],
  /** The database of the tests of Pulumi's PostgreSQL backend. */
  postgresql: [{ name: "postgresql", shows: "pg_ctlcluster" }],
} as const satisfies Record<string, readonly DebianPackage[]>;

export type DebianGroup = keyof typeof debianGroups;

/** What `npm start` needs; the other groups are for some of the tests, which install them. */
export const groupsForStart: readonly DebianGroup[] = ["libvirt", "image"];

/** The packages of a group that are not here. */
export function missingPackages(
  group: DebianGroup,
  isThere: (shows: string) => boolean = seen,
): string[] {
  const packages: readonly DebianPackage[] = debianGroups[group];
  return packages
    .filter((entry) => !isThere(entry.shows))
    .map((entry) => entry.name);
}

function seen(shows: string): boolean {
  return shows.startsWith("/")
    ? fs.existsSync(shows)
    : whichSystem(shows) !== undefined;
}

/** The arguments of `apt-get` that install packages without a question. */
export function aptInstallArguments(packages: readonly string[]): string[] {
  return [
    "install",
    "--yes",
    "--no-install-recommends",
    ...["-o", "DPkg::Lock::Timeout=300"],
    ...["-o", "Dpkg::Use-Pty=0"],
    ...packages,
  ];
}

/** What a user types to install the packages. */
export function aptRemedy(packages: readonly string[]): string {
  return (
    "sudo apt-get update && " +
    `sudo apt-get install --no-install-recommends ${packages.join(" ")}`
  );
}

/**
 * Installs the packages of a group that are missing, where this process is root on Debian. No
 * daemon is started by that where the first process is not systemd.
 *
 * @throws Error with the exact command where it cannot be done here.
 */
export async function ensureDebianPackages(
  group: DebianGroup,
  options: { readonly log?: (line: string) => void } = {},
): Promise<void> {
  const log = options.log ?? ((line: string) => console.log(line));
  const missing = missingPackages(group);
  if (missing.length === 0) {
    return;
  }
  const remedy = aptRemedy(missing);
  if (whichSystem("apt-get") === undefined) {
    throw new Error(
      `These programs are missing here: ${missing.join(", ")} (names of Debian packages). ` +
        `Install them by your distribution's means; on Debian or Ubuntu: ${remedy}`,
    );
  }
  if (process.getuid?.() !== 0) {
    throw new Error(
      `These Debian packages are missing: ${missing.join(", ")}. Install them, then run the ` +
        `command again:\n  ${remedy}`,
    );
  }
  const begun = Date.now();
  log(`Debian packages (${group}): installing ${missing.join(" ")} ...`);
  try {
    await withoutDaemonStarts(() => aptInstall(missing));
  } catch (error) {
    throw new Error(
      `The Debian packages for ${group} could not be installed. By hand: ${remedy}\n` +
        (error as Error).message,
      { cause: error },
    );
  }
  const still = missingPackages(group);
  if (still.length > 0) {
    throw new Error(
      `apt-get installed without an error, but these are still missing: ${still.join(", ")}. ` +
        `Look at: apt-cache policy ${still.join(" ")}`,
    );
  }
  const seconds = (Date.now() - begun) / 1000;
  log(stepLine(`Debian packages (${group})`, "installed", seconds));
}

/** Installs at once when apt knows packages; refreshes its lists only when that fails. */
async function aptInstall(packages: readonly string[]): Promise<void> {
  const apt = (args: readonly string[], timeoutSeconds: number) =>
    run("apt-get", args, {
      env: { DEBIAN_FRONTEND: "noninteractive" },
      timeoutSeconds,
    });
  if (hasPackageLists()) {
    try {
      await apt(aptInstallArguments(packages), 1800);
      return;
    } catch {
      // The lists may be older than what the mirror still has.
    }
  }
  await apt(["update", "-o", "DPkg::Lock::Timeout=300"], 600);
  await apt(aptInstallArguments(packages), 1800);
}

function hasPackageLists(): boolean {
  try {
    return fs
      .readdirSync("/var/lib/apt/lists")
      .some((name) => /_Packages(\.\w+)?$/.test(name));
  } catch {
    return false;
  }
}

const policyFile = "/usr/sbin/policy-rc.d";

/**
 * Without systemd as first process (a container), services cannot be started by packages, and some
 * packages' scripts fail on it: Debian's policy file says "start nothing" while `body` runs.
 */
async function withoutDaemonStarts(body: () => Promise<void>): Promise<void> {
  if (fs.existsSync("/run/systemd/system") || fs.existsSync(policyFile)) {
    return body();
  }
  // 101: action forbidden by policy (invoke-rc.d(8)).
  fs.writeFileSync(policyFile, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    await body();
  } finally {
    fs.rmSync(policyFile, { force: true });
  }
}
