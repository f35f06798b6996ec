import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import execa from "execa";
import { type Census, census } from "@corral-iac/tools/lab/census";
import {
  becomes,
  end,
  isRunning,
  know,
  type KnownProcess,
} from "@corral-iac/tools/lab/processes";

const DAEMONS = ["virtlogd", "libvirtd"] as const;

/** Folders of the host that the private daemon has for itself. */
const OWN_FOLDERS = [
  "etc/libvirt",
  "var/lib/libvirt",
  "var/log/libvirt",
  "run",
];

/** Folders that libvirt makes when it needs them: there from the start, so that they can be watched. */
const WATCHED_FOLDERS = [
  "etc/libvirt/qemu/networks/autostart",
  "etc/libvirt/qemu/autostart",
  "etc/libvirt/storage/autostart",
];

/**
 * A real libvirt daemon of one's own beside the one of this machine: in a mount and a network
 * namespace, with folders, sockets, bridges and a small disk that nobody else sees. It may be
 * stopped, frozen and filled without hurting anybody. All of it ends with the process that made it.
 */
export class PrivateLibvirt {
  private constructor(
    private readonly folder: string,
    private readonly holder: execa.ExecaChildProcess,
    private readonly holderPid: number,
  ) {}

  /** @param diskMib size of the disk that the pools of the tests lie on. */
  static async start(diskMib = 96): Promise<PrivateLibvirt> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-libvirt-"));
    fs.chmodSync(folder, 0o755); // QEMU runs as a user of its own.
    for (const own of [...OWN_FOLDERS, ...WATCHED_FOLDERS, "disk"]) {
      fs.mkdirSync(path.join(folder, own), { recursive: true });
    }
    fs.writeFileSync(
      path.join(folder, "etc/libvirt/libvirtd.conf"),
      'unix_sock_rw_perms = "0700"\nauth_unix_rw = "none"\n',
    );
    const holder = execa(
      "unshare",
      [
        ...["--mount", "--net", "--propagation", "private"],
        ...["bash", "-c", HOLDER, folder, String(diskMib), ...OWN_FOLDERS],
      ],
      { stdin: "pipe", stdout: "pipe", stderr: "inherit", reject: false },
    );
    const started = new Promise<void>((resolve, reject) => {
      holder.stdout?.once("data", () => resolve());
      void holder.then(({ exitCode }) =>
        reject(new Error(`unshare ended with code ${exitCode}; needs root`)),
      );
    });
    await started;
    const libvirt = new PrivateLibvirt(folder, holder, holder.pid ?? 0);
    try {
      await libvirt.startDaemon();
    } catch (error) {
      await libvirt.remove();
      throw error;
    }
    return libvirt;
  }

  get uri(): string {
    return `qemu+unix:///system?socket=${this.folder}/run/libvirt/libvirt-sock`;
  }

  /** The root folder as the daemon sees it. */
  get root(): string {
    return `/proc/${this.holderPid}/root`;
  }

  /** Folder of a pool on the small disk, as the daemon sees it; not made. */
  get poolFolder(): string {
    return path.join(this.folder, "disk", "pool");
  }

  /** Runs virsh on this daemon; throws when it fails or takes longer than 60 s. */
  async virsh(...args: string[]): Promise<string> {
    const { stdout } = await execa("virsh", ["-q", "-c", this.uri, ...args], {
      env: { LC_ALL: "C" },
      stdin: "ignore",
      timeout: 60_000,
    });
    return stdout.trim();
  }

  /** Starts the daemons that do not run, and waits until libvirtd answers. */
  async startDaemon(): Promise<void> {
    for (const name of DAEMONS) {
      if (this.daemon(name) === undefined) {
        await this.inside("setsid", "--fork", name, "--daemon");
      }
    }
    const answers = () =>
      this.virsh("version", "--daemon").then(
        () => true,
        () => false,
      );
    if (!(await becomes(answers, 60))) {
      throw new Error(`the private libvirtd does not answer on ${this.uri}`);
    }
  }

  /** Ends libvirtd; its machines go on running. */
  async stopDaemon(): Promise<void> {
    const daemon = this.daemon("libvirtd");
    if (daemon !== undefined) {
      await end(daemon);
    }
  }

  async restartDaemon(): Promise<void> {
    await this.stopDaemon();
    await this.startDaemon();
  }

  /** Ends libvirtd and starts it again after some seconds by the clock. */
  async daemonGone(seconds: number): Promise<void> {
    await this.stopDaemon();
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    await this.startDaemon();
  }

  /** Stops libvirtd in its tracks: who asks it waits. Takes effect at once. */
  freezeDaemon(): void {
    process.kill(this.mustRun().pid, "SIGSTOP");
  }

  thawDaemon(): void {
    process.kill(this.mustRun().pid, "SIGCONT");
  }

  /** Leaves no byte free on the pools' disk. */
  fillDisk(): void {
    const filler = fs.openSync(this.filler, "w");
    try {
      for (const size of [1 << 20, 1 << 12]) {
        const block = Buffer.alloc(size, 1);
        try {
          while (fs.writeSync(filler, block) > 0);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "ENOSPC") {
            throw error;
          }
        }
      }
    } finally {
      fs.closeSync(filler);
    }
  }

  emptyDisk(): void {
    fs.rmSync(this.filler, { force: true });
  }

  /** What stands on this daemon. */
  census(): Promise<Census> {
    return census({
      uri: this.uri,
      root: this.root,
      interfaces: `/proc/${this.holderPid}/net/dev`,
      folders: [path.join(this.folder, "disk")],
      hasProcess: (pid) => this.isInside(pid),
    });
  }

  /** Ends everything in the namespaces and removes the folder. */
  async remove(): Promise<void> {
    const network = networkOf(this.holderPid);
    this.holder.stdin?.end();
    await this.holder;
    const gone = await becomes(
      () =>
        network === undefined ||
        !allPids().some((pid) => networkOf(pid) === network),
      20,
    );
    fs.rmSync(this.folder, { recursive: true, force: true });
    if (!gone) {
      throw new Error("processes of the private libvirt do not end");
    }
  }

  private get filler(): string {
    return path.join(this.root, this.folder, "disk", "filler");
  }

  private daemon(name: (typeof DAEMONS)[number]): KnownProcess | undefined {
    try {
      const text = fs.readFileSync(
        path.join(this.folder, "run", `${name}.pid`),
        "utf8",
      );
      const known = know(name, Number(text.trim()));
      return known && isRunning(known) && this.isInside(known.pid)
        ? known
        : undefined;
    } catch {
      return undefined;
    }
  }

  private mustRun(): KnownProcess {
    const daemon = this.daemon("libvirtd");
    if (daemon === undefined) {
      throw new Error("the private libvirtd does not run");
    }
    return daemon;
  }

  private async inside(...command: string[]): Promise<void> {
    await execa(
      "nsenter",
      ["--target", String(this.holderPid), "--mount", "--net", ...command],
      { stdio: "ignore", timeout: 30_000 },
    );
  }

  private isInside(pid: number): boolean {
    return networkOf(pid) === networkOf(this.holderPid);
  }
}

/**
 * Keeps the namespaces. When its input ends (also because the test process died) it ends all that
 * runs in its network namespace.
 */
const HOLDER = `
trap "" INT TERM
for folder in "\${@:2}"; do mount --bind "$0/$folder" "/$folder"; done
mount -t tmpfs -o "size=\${1}m,mode=0755" corral-disk "$0/disk"
ip link set lo up
echo ready
while read -r _; do :; done
own=$(readlink /proc/self/ns/net)
for entry in /proc/[0-9]*; do
  pid=\${entry#/proc/}
  if [ "$pid" != $$ ] && [ "$(readlink "$entry/ns/net")" = "$own" ]; then kill -KILL "$pid"; fi
done
`;

function allPids(): number[] {
  return fs
    .readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number);
}

function networkOf(pid: number): string | undefined {
  try {
    return fs.readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}

/** Skips a suite, and says why, where a private daemon cannot be. */
export function needsPrivateLibvirt(this: Mocha.Context): void {
  if (process.getuid?.() !== 0) {
    console.log("    skipped: a libvirt daemon of one's own needs root");
    this.skip();
  }
}

/** A small qcow2 image with something in it, so that its upload takes a moment. */
export async function makeImage(folder: string, mib = 8): Promise<string> {
  const raw = path.join(folder, "image.raw");
  const image = path.join(folder, "image.qcow2");
  fs.writeFileSync(raw, randomBytes(mib * 2 ** 20));
  await execa("qemu-img", ["convert", "-O", "qcow2", raw, image]);
  fs.rmSync(raw);
  return image;
}
