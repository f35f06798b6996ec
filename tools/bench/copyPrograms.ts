import * as fs from "node:fs";
import * as path from "node:path";
import type { StackCommand } from "../stack/pulumiStack";

/** How a machine is logged in to. */
export interface SshAccess {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly privateKey: string;
  readonly hostKey: string;
}

/** What everybody copies files with. Each makes a connection of its own, as a single call does. */
export class CopyPrograms {
  private readonly flags: readonly string[];

  /** @param folder for the key files; the caller removes it. */
  constructor(
    private readonly access: SshAccess,
    private readonly folder: string,
  ) {
    const key = path.join(folder, "copy.key");
    const knownHosts = path.join(folder, "copy.known_hosts");
    const { host, port, hostKey, privateKey } = access;
    fs.writeFileSync(key, privateKey, { mode: 0o600 });
    fs.writeFileSync(
      knownHosts,
      `[${host}]:${port} ${hostKey}\n${host} ${hostKey}\n`,
    );
    const options = [
      "IdentitiesOnly=yes",
      "BatchMode=yes",
      "StrictHostKeyChecking=yes",
      `UserKnownHostsFile=${knownHosts}`,
    ];
    this.flags = [
      ...["-F", "none", "-i", key],
      ...options.flatMap((option) => ["-o", option]),
    ];
  }

  /** Copies a folder by rsync, with permissions and times. */
  rsync(source: string, destination: string): StackCommand {
    const ssh = ["ssh", ...this.flags, "-p", String(this.access.port)].join(
      " ",
    );
    return this.command("rsync", [
      ...["-a", "-e", ssh],
      `${source}/`,
      `${this.target}:${destination}/`,
    ]);
  }

  /** Copies a folder by scp, with permissions and times. */
  scp(source: string, destination: string): StackCommand {
    return this.command("scp", [
      ...["-q", "-r", "-p", "-P", String(this.access.port), ...this.flags],
      source,
      `${this.target}:${destination}`,
    ]);
  }

  /** Runs a shell command there. */
  ssh(command: string): StackCommand {
    const port = ["-p", String(this.access.port)];
    return this.command("ssh", [...port, ...this.flags, this.target, command]);
  }

  private get target(): string {
    return `${this.access.user}@${this.access.host}`;
  }

  private command(file: string, args: readonly string[]): StackCommand {
    return { file, args, cwd: this.folder, env: {} };
  }
}
