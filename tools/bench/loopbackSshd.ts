import { type ChildProcess, spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import execa from "execa";
import { freePort } from "../lab/freePort";
import type { SshAccess } from "./copyPrograms";

const PROGRAM = "/usr/sbin/sshd";
const START_SECONDS = 10;

/** OpenSSH's server on the loopback address: a guest without a guest, whose logins can be counted. */
export class LoopbackSshd {
  private constructor(
    private readonly folder: string,
    private readonly daemon: ChildProcess,
    /** How this computer's user logs in to it. */
    readonly access: SshAccess,
  ) {}

  /** @param folder for keys and log; the caller removes it. */
  static async start(folder: string): Promise<LoopbackSshd> {
    const key = async (name: string) => {
      const file = path.join(folder, name);
      const type = ["-q", "-t", "ed25519", "-N", "", "-C", name];
      await execa("ssh-keygen", [...type, "-f", file]);
      return {
        privateKey: fs.readFileSync(file, "utf8"),
        publicKey: fs.readFileSync(`${file}.pub`, "utf8").trim(),
      };
    };
    const [host, login] = [await key("host"), await key("login")];
    const port = await freePort();
    const settings = [
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${folder}/host`,
      `AuthorizedKeysFile ${folder}/login.pub`,
      "PasswordAuthentication no",
      "UsePAM no",
      "StrictModes no",
      "PidFile none",
      "PermitRootLogin yes",
      "LogLevel VERBOSE",
      "Subsystem sftp internal-sftp",
    ];
    fs.writeFileSync(`${folder}/sshd_config`, `${settings.join("\n")}\n`);
    if (process.getuid?.() === 0) {
      fs.mkdirSync("/run/sshd", { recursive: true });
    }
    const log = fs.openSync(path.join(folder, "log"), "w");
    const args = ["-D", "-e", "-f", `${folder}/sshd_config`];
    const daemon = spawn(PROGRAM, args, { stdio: ["ignore", log, log] });
    fs.closeSync(log);
    const server = new LoopbackSshd(folder, daemon, {
      ...{ host: "127.0.0.1", port, user: os.userInfo().username },
      ...{ privateKey: login.privateKey, hostKey: host.publicKey },
    });
    await server.untilItListens();
    return server;
  }

  /** Number of logins since the start. */
  logins(): number {
    return this.log().split("Accepted publickey").length - 1;
  }

  async stop(): Promise<void> {
    if (this.daemon.exitCode === null) {
      const ended = new Promise((resolve) => this.daemon.once("exit", resolve));
      this.daemon.kill();
      await ended;
    }
  }

  private async untilItListens(): Promise<void> {
    const until = performance.now() + START_SECONDS * 1000;
    while (!this.log().includes("Server listening")) {
      if (performance.now() > until || this.daemon.exitCode !== null) {
        await this.stop();
        throw new Error(`sshd did not start:\n${this.log()}`);
      }
      await sleep(20);
    }
  }

  private log(): string {
    return fs.readFileSync(path.join(this.folder, "log"), "utf8");
  }
}
