import * as fs from "node:fs";
import * as path from "node:path";
import { corralHome } from "@corral-iac/corral/core/home";
import type { ExportedMachine } from "./embeddedStack";

/** Folder with the ssh configuration of the embedded stack's machines. */
export function sshFolder(home: string = corralHome()): string {
  return path.join(home, "ssh");
}

/**
 * Writes what ssh needs to reach the machines: their keys, pinned host keys and a configuration.
 * Readable by the owner alone; removed by `npm stop`.
 *
 * @returns for each machine the command that logs in.
 */
export function writeSshConfig(
  machines: Record<string, ExportedMachine>,
): Record<string, string> {
  const folder = sshFolder();
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const config = path.join(folder, "config");
  const sections = Object.entries(machines).map(([name, { connection }]) => {
    const key = path.join(folder, `${name}.key`);
    const knownHosts = path.join(folder, `${name}.known_hosts`);
    const hostField =
      connection.port === 22
        ? connection.host
        : `[${connection.host}]:${connection.port}`;
    fs.writeFileSync(key, connection.privateKey, { mode: 0o600 });
    fs.writeFileSync(knownHosts, `${hostField} ${connection.hostKey}\n`);
    return [
      `Host ${name}`,
      `  HostName ${connection.host}`,
      `  Port ${connection.port}`,
      `  User ${connection.user}`,
      `  IdentityFile "${key}"`,
      "  IdentitiesOnly yes",
      `  UserKnownHostsFile "${knownHosts}"`,
      "  StrictHostKeyChecking yes",
    ].join("\n");
  });
  fs.writeFileSync(config, `${sections.join("\n\n")}\n`, { mode: 0o600 });
  return Object.fromEntries(
    Object.keys(machines).map((name) => [name, `ssh -F ${config} ${name}`]),
  );
}
