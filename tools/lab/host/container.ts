import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

import execa from "execa";

import { becomes, end, isRunning, know, type KnownProcess } from "../processes";
import { HostGroups } from "./groups";
import {
  hostAddresses,
  hostFolder,
  hostLink,
  type HostRecord,
} from "./hostFolders";

/**
 * Run in a mount namespace of its own, so that the root folder is gone with it: moves itself into the
 * host's control groups, puts the root folder together and becomes the container.
 */
const LAUNCH = `set -e
groups=$1 lower=$2 folder=$3; shift 3
for group in $groups; do echo $$ > "$group/cgroup.procs"; done
mount -t overlay corral-host -o "lowerdir=$lower,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
exec "$@"`;

/** A running systemd in a container (systemd-nspawn), by its processes as this machine sees them. */
export class Container {
  private constructor(
    private readonly record: HostRecord,
    readonly process: KnownProcess,
    /** The container's first process. */
    readonly leader: number,
  ) {}

  /**
   * Starts the container on what is in the host's folder, and waits until systemd has started all.
   *
   * @param lower the root folder that it only reads.
   */
  static async start(record: HostRecord, lower: string): Promise<Container> {
    const { name, owner, kvm } = record;
    const folder = hostFolder(name);
    for (const part of ["upper", "work", "root"]) {
      fs.mkdirSync(path.join(folder, part), { recursive: true });
    }
    const groups = HostGroups.make(name);
    // It has /dev/net/tun by itself.
    const devices = [...(kvm ? ["/dev/kvm"] : []), "/dev/fuse"].filter(
      (device) => fs.existsSync(device),
    );
    const log = fs.openSync(path.join(folder, "console.log"), "a");
    const child = spawn(
      "unshare",
      [
        ...["--mount", "--propagation", "private"],
        ...["sh", "-c", LAUNCH, "-", groups.folders.join(" "), lower, folder],
        ...(owner === undefined ? [] : ["setpriv", "--pdeathsig", "KILL"]),
        ...["systemd-nspawn", "--quiet", "--boot"],
        ...["--directory", path.join(folder, "root"), `--machine=${name}`],
        // There is no machined here to tell of it, and no unit to move it into.
        ...["--register=no", "--keep-unit", "--network-veth"],
        ...["--capability=all", "--system-call-filter=@mount @module @raw-io"],
        ...devices.map((device) => `--bind=${device}`),
        "--console=pipe",
      ],
      {
        stdio: ["ignore", log, log],
        detached: owner === undefined,
        env: { ...process.env, SYSTEMD_LOG_TARGET: "console" },
      },
    );
    fs.closeSync(log);
    child.on("error", () => undefined);
    if (owner === undefined) {
      child.unref();
    }
    const outer = know("systemd-nspawn", child.pid ?? 0);
    try {
      if (outer === undefined) {
        throw new Error("it did not start");
      }
      const leader = await leaderOf(outer);
      const container = new Container(record, outer, leader);
      await container.complete();
      return container;
    } catch (error) {
      if (outer !== undefined) {
        await killTree(outer);
      }
      throw new Error(
        `The lab's host ${name} did not start: ${(error as Error).message}. Its console's last lines:\n` +
          consoleEnd(folder),
        { cause: error },
      );
    }
  }

  /** One that was started before, perhaps by another process; undefined when it does not run. */
  static find(record: HostRecord): Container | undefined {
    const { container } = record;
    const leader =
      container !== undefined && isRunning(container)
        ? childOf(container.pid)
        : undefined;
    return container === undefined || leader === undefined
      ? undefined
      : new Container(record, container, leader);
  }

  get isRunning(): boolean {
    return isRunning(this.process);
  }

  /** Runs a command inside, as root. */
  run(
    command: readonly string[],
    options: { readonly input?: string; readonly timeoutSeconds: number },
  ): execa.ExecaChildProcess {
    return execa(
      "nsenter",
      [
        ...["--target", String(this.leader), "--root", "--wd"],
        ...["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"],
        ...command,
      ],
      {
        ...(options.input === undefined
          ? { stdin: "ignore" as const }
          : { input: options.input }),
        timeout: options.timeoutSeconds * 1000,
        env: { LC_ALL: "C", PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
        extendEnv: false,
        reject: false,
      },
    );
  }

  /** Waits until it has ended by itself, for instance because it reboots. */
  ended(seconds: number): Promise<boolean> {
    return becomes(() => !this.isRunning, seconds);
  }

  /** Ends it like a power cut. */
  async kill(): Promise<void> {
    await killTree(this.process);
  }

  /** What a container's manager does on a machine with machined and networkd. */
  private async complete(): Promise<void> {
    const started = await becomes(
      () =>
        fs.existsSync(`/proc/${this.leader}/root/run/systemd/private`) ||
        !this.isRunning,
      30,
    );
    if (!started || !this.isRunning) {
      throw new Error("systemd does not answer");
    }
    if (!this.record.tun) {
      fs.rmSync(`/proc/${this.leader}/root/dev/net/tun`, { force: true });
    }
    await this.link();
    await this.openGroups();
    const isUp = await becomes(async () => {
      const { stdout } = await this.run(["systemctl", "is-system-running"], {
        timeoutSeconds: 20,
      });
      return ["running", "degraded"].includes(stdout.trim());
    }, 60);
    if (!isUp) {
      throw new Error("systemd did not get all of its units up within 60 s");
    }
  }

  private async link(): Promise<void> {
    const { outer, host } = hostAddresses(this.record.index);
    const link = hostLink(this.record.name);
    await execa("ip", ["address", "add", `${outer}/30`, "dev", link]);
    await execa("ip", ["link", "set", link, "up"]);
    const inside = (...args: string[]) =>
      execa("nsenter", ["-t", String(this.leader), "-n", "ip", ...args]);
    await inside("address", "add", `${host}/30`, "dev", "host0");
    await inside("link", "set", "host0", "up");
    await inside("route", "add", "default", "via", outer);
  }

  /**
   * systemd-nspawn mounts the controllers of cgroup v1 read-only, and systemd decides at its own start
   * which of them it may use.
   */
  private async openGroups(): Promise<void> {
    const groups = fs
      .readFileSync(`/proc/${this.leader}/mounts`, "utf8")
      .split("\n")
      .map((line) => line.split(" "))
      .filter(
        ([, , type, options = ""]) =>
          type === "cgroup" && options.split(",").includes("ro"),
      )
      .map(([, folder = ""]) => folder);
    if (groups.length === 0) {
      return;
    }
    const script = [
      ...groups.map((folder) => `mount -o remount,rw,bind '${folder}'`),
      "systemctl daemon-reexec",
    ].join("\n");
    const { exitCode, stderr } = await this.run(["sh", "-ec", script], {
      timeoutSeconds: 30,
    });
    if (exitCode !== 0) {
      throw new Error(`its control groups cannot be used: ${stderr}`);
    }
  }
}

/** The first process inside: the child of the outer one that is in a PID namespace of its own. */
async function leaderOf(outer: KnownProcess): Promise<number> {
  let leader: number | undefined;
  await becomes(() => {
    leader = isRunning(outer) ? childOf(outer.pid) : undefined;
    return leader !== undefined || !isRunning(outer);
  }, 30);
  if (leader === undefined) {
    throw new Error("systemd-nspawn ended, or started nothing within 30 s");
  }
  return leader;
}

function childOf(pid: number): number | undefined {
  try {
    return fs
      .readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
      .trim()
      .split(" ")
      .map(Number)
      .find((child) =>
        /^NSpid:\s+\d+\s+1$/m.test(
          fs.readFileSync(`/proc/${child}/status`, "utf8"),
        ),
      );
  } catch {
    return undefined;
  }
}

/** The inner process first: with it ends everything in the container. */
async function killTree(outer: KnownProcess): Promise<void> {
  const leader = childOf(outer.pid);
  const inner = leader === undefined ? undefined : know("systemd", leader);
  if (inner !== undefined && isRunning(outer)) {
    process.kill(inner.pid, "SIGKILL");
    await becomes(() => !isRunning(outer), 10);
  }
  await end(outer, 5);
}

function consoleEnd(folder: string): string {
  const file = path.join(folder, "console.log");
  const text = fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
  return text.trim().split("\n").slice(-15).join("\n");
}
