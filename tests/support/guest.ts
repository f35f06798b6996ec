import * as fs from "node:fs";
import * as path from "node:path";
import execa from "execa";

/** A machine's `connection` output. */
export interface Connection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly privateKey: string;
  readonly hostKey: string;
}

/** A guest, looked into by OpenSSH's own client, which accepts the pinned host key and no other. */
export class Guest {
  private readonly flags: readonly string[];

  /** @param folder for the key files; the caller removes it. */
  constructor(
    private readonly connection: Connection,
    folder: string,
  ) {
    const key = path.join(folder, "guest.key");
    const knownHosts = path.join(folder, "guest.known_hosts");
    fs.writeFileSync(key, connection.privateKey, { mode: 0o600 });
    fs.writeFileSync(knownHosts, `${connection.host} ${connection.hostKey}\n`);
    const options = [
      "IdentitiesOnly=yes",
      "BatchMode=yes",
      "StrictHostKeyChecking=yes",
      `UserKnownHostsFile=${knownHosts}`,
      "ConnectTimeout=20",
      // One connection for all commands: a handshake takes seconds under emulation.
      "ControlMaster=auto",
      `ControlPath=${path.join(folder, "ssh")}`,
      "ControlPersist=60",
    ];
    this.flags = [
      ...["-F", "none", "-i", key, "-p", String(connection.port)],
      ...options.flatMap((option) => ["-o", option]),
    ];
  }

  /** Ends the shared connection; the next command makes a new one. */
  async disconnect(): Promise<void> {
    const { host } = this.connection;
    await execa("ssh", [...this.flags, "-O", "exit", host], { reject: false });
  }

  /** Runs a shell command in the guest and returns what it wrote; throws when it fails. */
  async run(command: string, timeoutSeconds = 60): Promise<string> {
    const { user, host } = this.connection;
    const { stdout } = await execa(
      "ssh",
      [...this.flags, `${user}@${host}`, command],
      { timeout: timeoutSeconds * 1000 },
    );
    return stdout.trim();
  }
}
