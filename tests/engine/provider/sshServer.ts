import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { generateEd25519 } from "@corral-iac/corral-ops/ssh/keyPair";
import type { KeyPair } from "@corral-iac/corral-ops/ssh/keyPair";
import type { SshTarget } from "@corral-iac/corral-ops/ssh/target";
import { freePort } from "@corral-iac/tools/lab/freePort";

const program = "/usr/sbin/sshd";

/** OpenSSH's own server on the loopback address, with keys that our provider made. */
export class SshServer {
  private constructor(
    readonly folder: string,
    readonly port: number,
    readonly hostKey: KeyPair,
    readonly loginKey: KeyPair,
    private readonly daemon: ChildProcess,
  ) {}

  /**
   * @param searchPath PATH of what is run; default: what sshd takes.
   * @param further lines of sshd_config, before those that hold for every test.
   */
  static async start(
    searchPath?: string,
    further: readonly string[] = [],
  ): Promise<SshServer> {
    if (!fs.existsSync(program)) {
      throw new Error(
        `${program} is not installed; on Debian: apt-get install openssh-server`,
      );
    }
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-sshd-"));
    const [hostKey, loginKey, port] = [
      generateEd25519(),
      generateEd25519(),
      await freePort(),
    ];
    fs.writeFileSync(path.join(folder, "host_key"), hostKey.privateKey, {
      mode: 0o600,
    });
    fs.writeFileSync(
      path.join(folder, "authorized_keys"),
      `${loginKey.publicKey}\n`,
    );
    const settings = [
      ...further,
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${folder}/host_key`,
      `AuthorizedKeysFile ${folder}/authorized_keys`,
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      "UsePAM no",
      "StrictModes no",
      "PidFile none",
      "PermitRootLogin yes",
      "LogLevel VERBOSE",
      ...(searchPath === undefined ? [] : [`SetEnv PATH=${searchPath}`]),
    ];
    fs.writeFileSync(
      path.join(folder, "sshd_config"),
      `${settings.join("\n")}\n`,
    );
    if (process.getuid?.() === 0) {
      fs.mkdirSync("/run/sshd", { recursive: true });
    }
    const log = fs.openSync(path.join(folder, "log"), "w");
    const args = ["-D", "-e", "-f", path.join(folder, "sshd_config")];
    const daemon = spawn(program, args, { stdio: ["ignore", log, log] });
    fs.closeSync(log);
    const server = new SshServer(folder, port, hostKey, loginKey, daemon);
    try {
      await eventually("sshd listens", () =>
        server.log().includes("Server listening"),
      );
    } catch (error) {
      await server.stop();
      throw new Error(`sshd did not start:\n${server.log()}`, { cause: error });
    }
    return server;
  }

  /** How to log in as the user that runs the tests. */
  target(changes: Partial<SshTarget> = {}): SshTarget {
    return {
      host: "127.0.0.1",
      port: this.port,
      user: os.userInfo().username,
      privateKey: this.loginKey.privateKey,
      hostKey: this.hostKey.publicKey,
      ...changes,
    };
  }

  log(): string {
    return fs.readFileSync(path.join(this.folder, "log"), "utf8");
  }

  /** Number of logins since the start. */
  logins(): number {
    return this.log().split("Accepted publickey").length - 1;
  }

  /** Breaks every connection off, as a reboot of the host would. */
  breakConnections(): void {
    const children = fs.readFileSync(
      `/proc/${this.daemon.pid}/task/${this.daemon.pid}/children`,
      "utf8",
    );
    children
      .split(" ")
      .filter((pid) => pid !== "")
      .forEach((pid) => process.kill(Number(pid), "SIGKILL"));
  }

  async stop(): Promise<void> {
    if (this.daemon.exitCode === null && this.daemon.signalCode === null) {
      this.breakConnections();
      const ended = new Promise((resolve) => this.daemon.once("exit", resolve));
      this.daemon.kill("SIGKILL");
      await ended;
    }
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

/**
 * A port at which nobody listens. Not one that is free just now: the kernel gives that out to the
 * next program that asks.
 */
export const CLOSED_PORT = 1;

/** Waits until the condition holds, looking often; throws after the bound. */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  boundSeconds = 15,
): Promise<void> {
  const deadline = Date.now() + boundSeconds * 1000;
  while (!(await holds())) {
    if (Date.now() > deadline) {
      throw new Error(`not within ${boundSeconds} s: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** True while the process exists and is not merely waiting to be reaped. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(
      fs.readFileSync(`/proc/${pid}/stat`, "utf8"),
    );
  } catch {
    return false;
  }
}
