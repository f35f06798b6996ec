import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as net from "node:net";
import * as path from "node:path";

import { ensureDebianPackages } from "../../toolchain";
import { run } from "../../toolchain/commands";
import { becomes } from "../processes";
import { Container } from "./container";
import {
  hostAddresses,
  hostFolder,
  type HostRecord,
  readHostRecord,
  removeHost,
  reserveHost,
  thisProcess,
  writeHostRecord,
} from "./hostFolders";
import { ensureHostRoot } from "./images";

export interface LabHostOptions {
  /** At most 12 characters. Default: one that nobody has. */
  readonly name?: string;
  /** Whether it runs on when this process has ended. Default false. */
  readonly outlives?: boolean;
  /** Whether the host may make tap devices. Default true. */
  readonly tun?: boolean;
  /** Whether the host has this machine's /dev/kvm. Default false. */
  readonly kvm?: boolean;
  /** Takes one line of progress. Default: standard output. */
  readonly log?: (line: string) => void;
}

/** How a host is logged in to, as Corral's components take it. */
export interface HostConnection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly privateKey: string;
  readonly hostKey: string;
}

/**
 * A Linux host with a real systemd, sshd, journald, network and control groups of its own, in a container
 * on this machine. It starts in about a second, and nothing of it is left when it is removed.
 */
export class LabHost {
  private constructor(
    private record: HostRecord,
    private container: Container | undefined,
    private readonly log: (line: string) => void,
  ) {}

  /** Makes a fresh host and starts it. Its root folder is built first where it is not in the cache. */
  static async start(options: LabHostOptions = {}): Promise<LabHost> {
    const log = options.log ?? ((line: string) => console.log(line));
    if (process.getuid?.() !== 0) {
      throw new Error("A host of the lab is a container, which needs root.");
    }
    await ensureDebianPackages("host", { log });
    // Before the folder is reserved: it takes a minute, and a host is made in a second.
    await ensureHostRoot(log);
    const owner = options.outlives ? undefined : thisProcess();
    const record = await reserveHost({
      name: options.name ?? `h${randomBytes(4).toString("hex")}`,
      ...(owner === undefined ? {} : { owner }),
      tun: options.tun ?? true,
      kvm: options.kvm ?? false,
    });
    const host = new LabHost(record, undefined, log);
    try {
      await host.makeKeys();
      await host.boot();
      return host;
    } catch (error) {
      await host.remove();
      throw error;
    }
  }

  /** One that outlives its maker; undefined when there is none of that name. */
  static open(
    name: string,
    log: (line: string) => void = console.log,
  ): LabHost | undefined {
    const record = readHostRecord(name);
    return record === undefined
      ? undefined
      : new LabHost(record, Container.find(record), log);
  }

  get name(): string {
    return this.record.name;
  }

  /** Where the host is reached from this machine. */
  get address(): string {
    return hostAddresses(this.record.index).host;
  }

  /** This machine as the host sees it: everything beyond is outside. */
  get outside(): string {
    return hostAddresses(this.record.index).outer;
  }

  get connection(): HostConnection {
    return {
      host: this.address,
      port: 22,
      user: "root",
      privateKey: this.read("key"),
      hostKey: this.read("host-key.pub").trim(),
    };
  }

  /** Folder with `key` and `known_hosts`, for OpenSSH's own client. */
  get folder(): string {
    return hostFolder(this.name);
  }

  get isRunning(): boolean {
    return this.container?.isRunning ?? false;
  }

  /**
   * Runs a shell script on the host as root, past its ssh server, and returns what it wrote.
   *
   * @throws Error when it fails.
   */
  async exec(
    script: string,
    options: { readonly input?: string; readonly timeoutSeconds?: number } = {},
  ): Promise<string> {
    const { timeoutSeconds = 60, input } = options;
    const result = await this.running().run(["sh", "-c", script], {
      timeoutSeconds,
      ...(input === undefined ? {} : { input }),
    });
    if (result.failed) {
      throw new Error(
        `on the host ${this.name} failed (${result.exitCode ?? "timeout"}): ${script}\n${result.stdout}\n${result.stderr}`,
      );
    }
    return result.stdout.trim();
  }

  /** Puts a copy of a file of this machine onto the host. */
  put(file: string, to: string): void {
    const target = this.path(to);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.copyFileSync(file, target, fs.constants.COPYFILE_FICLONE);
  }

  /** Path on this machine of a path on the host, while it runs. */
  path(onHost: string): string {
    return path.join(`/proc/${this.running().leader}/root`, onHost);
  }

  /** Lets the host shut down and start again. */
  async reboot(): Promise<void> {
    const container = this.running();
    await container.run(["systemctl", "reboot"], { timeoutSeconds: 30 });
    if (!(await container.ended(120))) {
      throw new Error(`the host ${this.name} did not shut down within 120 s`);
    }
    await this.boot();
  }

  /** Takes the host's power away. */
  async cutPower(): Promise<void> {
    await this.container?.kill();
    this.container = undefined;
  }

  /** Starts the host again, for instance after {@link cutPower}. */
  async boot(): Promise<void> {
    const lower = await ensureHostRoot(this.log);
    this.container = await Container.start(this.record, lower);
    this.record = { ...this.record, container: this.container.process };
    writeHostRecord(this.record);
    if (!(await becomes(() => answers(this.address), 20))) {
      throw new Error(`the host ${this.name} does not answer over ssh`);
    }
  }

  /** Ends the host and removes all of it. */
  async remove(): Promise<void> {
    await this.cutPower();
    await removeHost(this.name);
  }

  private running(): Container {
    if (this.container === undefined) {
      throw new Error(`the host ${this.name} is switched off`);
    }
    return this.container;
  }

  private read(file: string): string {
    return fs.readFileSync(path.join(this.folder, file), "utf8");
  }

  /** A login and a host key of its own, in the host before it starts. */
  private async makeKeys(): Promise<void> {
    const at = (...parts: string[]) => path.join(this.folder, ...parts);
    for (const name of ["key", "host-key"]) {
      await run(
        "ssh-keygen",
        ["-q", "-t", "ed25519", "-N", "", "-C", this.name, "-f", at(name)],
        { timeoutSeconds: 20 },
      );
    }
    // The modes of these folders hide those of the root folder below.
    for (const [folder, mode] of [
      ["upper/root", 0o700],
      ["upper/root/.ssh", 0o700],
      ["upper/etc", 0o755],
      ["upper/etc/ssh", 0o755],
    ] as const) {
      fs.mkdirSync(at(folder), { recursive: true, mode });
    }
    fs.chmodSync(at("upper"), 0o755);
    fs.copyFileSync(at("key.pub"), at("upper/root/.ssh/authorized_keys"));
    fs.renameSync(at("host-key"), at("upper/etc/ssh/ssh_host_ed25519_key"));
    const hostKey = fs.readFileSync(at("host-key.pub"), "utf8");
    fs.writeFileSync(at("upper/etc/ssh/ssh_host_ed25519_key.pub"), hostKey);
    fs.writeFileSync(at("known_hosts"), `${this.address} ${hostKey}`);
  }
}

function answers(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port: 22 });
    const done = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    // Its greeting: a port may be open before anybody serves it.
    socket.once("data", () => done(true)).once("error", () => done(false));
    socket.setTimeout(2000, () => done(false));
  });
}
