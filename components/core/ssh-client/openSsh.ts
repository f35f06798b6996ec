import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";

import { runProcess } from "../runProcess";
import { wholeOrNothing } from "../wholeOrNothing";

/** A host to log in to, with what it takes; all of it is known. */
export interface SshAccess {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly privateKey: string;
  readonly hostKey: string;
  readonly bastion?: SshAccess | undefined;
}

/** Name by which the configuration file knows the host that is wanted. */
const TARGET = "target";

/**
 * Runs a script as root on a host, by OpenSSH's own client. The script goes in on standard input.
 *
 * @returns what it wrote.
 * @throws Error with what ssh, or the script, said last.
 */
export async function runOverSsh(
  access: SshAccess,
  script: string,
  timeoutSeconds: number,
): Promise<string> {
  const result = await withSshConfig(access, (options) =>
    runProcess("ssh", [...options, TARGET, asRoot(access, "/bin/sh -s")], {
      stdin: wholeOrNothing(script),
      timeoutSeconds,
    }),
  );
  if (result.code !== 0) {
    const said = result.stderr.trim().split("\n").slice(-3).join("; ");
    throw new Error(said || `ssh ended with code ${result.code ?? "none"}`);
  }
  return result.stdout;
}

/** A command as the user who logs in, or by sudo. */
export function asRoot({ user }: SshAccess, command: string): string {
  return user === "root" ? command : `sudo -n ${command}`;
}

/**
 * OpenSSH's options for a host, for as long as they are used: keys lie in files that their owner alone
 * can read, and only the pinned host keys are believed.
 *
 * @param use gets the options; the host is called `target` behind them.
 */
export async function withSshConfig<T>(
  access: SshAccess,
  use: (options: readonly string[]) => Promise<T>,
): Promise<T> {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), "corral-ssh-"));
  try {
    const config: string[] = [];
    const known: string[] = [];
    let name = TARGET;
    for (
      let hop: SshAccess | undefined = access;
      hop !== undefined;
      hop = hop.bastion, name += "-bastion"
    ) {
      const key = path.join(folder, name);
      await fs.writeFile(key, `${hop.privateKey.trimEnd()}\n`, { mode: 0o600 });
      known.push(`${name} ${hop.hostKey.trim()}`);
      config.push(
        `Host ${name}`,
        `  HostName ${hop.host}`,
        `  HostKeyAlias ${name}`,
        `  Port ${hop.port}`,
        `  User ${hop.user}`,
        `  IdentityFile "${key}"`,
        ...(hop.bastion === undefined ? [] : [`  ProxyJump ${name}-bastion`]),
      );
    }
    const knownHosts = path.join(folder, "known_hosts");
    await fs.writeFile(knownHosts, `${known.join("\n")}\n`);
    config.push(
      "Host *",
      "  IdentitiesOnly yes",
      "  BatchMode yes",
      "  StrictHostKeyChecking yes",
      `  UserKnownHostsFile "${knownHosts}"`,
      "  ConnectTimeout 20",
      "  ServerAliveInterval 15",
      "  LogLevel ERROR",
    );
    const file = path.join(folder, "config");
    await fs.writeFile(file, `${config.join("\n")}\n`);
    return await use(["-F", file]);
  } finally {
    await fs.rm(folder, { recursive: true, force: true });
  }
}
