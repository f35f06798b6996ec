import * as fs from "node:fs";
import * as path from "node:path";
import type { Cluster } from "../cluster";
import { parseDrive, printDrive, withOptions } from "../config/drives";
import { addUnused } from "../machines/pendingChanges";
import { fileOfContent, parseVolumeId, Volumes } from "../storage/volumes";

/** How a command of the node's shell ended. */
export interface ShellResult {
  readonly exitCode: number;
  readonly output: string;
}

/** The script in `/bin/bash -c '...'`; other texts are their own script. */
export function scriptOf(command: string): string {
  const quoted = /^\/bin\/bash -c '(.*)'$/s.exec(command)?.[1];
  return quoted?.replaceAll(`'"'"'`, "'") ?? command;
}

/**
 * Does what the terraform-provider-proxmox runs on a node: looks whether it is root, writes a file by
 * `tee`, imports a disk by `qm`. All else is "not found", as on a node without that program.
 *
 * @param input what came over standard input.
 */
export async function runCommand(
  cluster: Cluster,
  command: string,
  input: Buffer,
): Promise<ShellResult> {
  const script = scriptOf(command);
  if (script.includes("id -u") && script.includes("pvesm apiinfo")) {
    return { exitCode: 0, output: "0\n" };
  }
  const target = /\/usr\/bin\/tee (\S+)$/.exec(script)?.[1];
  if (target !== undefined) {
    return writeFile(cluster, target, input);
  }
  if (script.includes("/usr/sbin/qm disk import")) {
    return importDisk(cluster, script);
  }
  return {
    exitCode: 127,
    output: `bash: line 1: ${script.split(/\s/)[0]}: command not found\n`,
  };
}

/** Only folders of storages can be written to. */
function writeFile(
  cluster: Cluster,
  target: string,
  input: Buffer,
): ShellResult {
  const folders = Object.values(cluster.store.state.storages).flatMap(
    (storage) => (storage.path === undefined ? [] : [storage.path]),
  );
  const folder = path.dirname(path.resolve(target));
  if (!folders.some((one) => isInside(folder, one))) {
    return {
      exitCode: 1,
      output: `/usr/bin/tee: ${target}: Permission denied\n`,
    };
  }
  if (!fs.existsSync(folder)) {
    return {
      exitCode: 1,
      output: `/usr/bin/tee: ${target}: No such file or directory\n`,
    };
  }
  fs.writeFileSync(target, input);
  return { exitCode: 0, output: "" };
}

/** Whether a path is a folder or something in it. */
export function isInside(file: string, folder: string): boolean {
  const relative = path.relative(folder, file);
  return !relative.startsWith("..") && !path.isAbsolute(relative);
}

/** The script by which the provider makes a disk of an image that it does not import by the API. */
async function importDisk(
  cluster: Cluster,
  script: string,
): Promise<ShellResult> {
  const variable = (name: string) =>
    new RegExp(`(?:^|; )${name}=([^;]*)`).exec(script)?.[1] ?? "";
  const source = variable("file_id");
  const vmId = Number(variable("vm_id"));
  const key = variable("disk_interface");
  const id = parseVolumeId(source);
  const content =
    id && fileOfContent(cluster.store.storage(id.storage), id.name);
  if (content === undefined || !fs.existsSync(content.file)) {
    return { exitCode: 2, output: `volume '${source}' does not exist\n` };
  }
  const machine = cluster.store.findMachine(vmId);
  if (machine === undefined) {
    return {
      exitCode: 2,
      output: `Configuration file 'nodes/${cluster.store.firstNode}/qemu-server/${vmId}.conf' does not exist\n`,
    };
  }
  const storage = variable("datastore_id_target");
  const volumes = new Volumes(cluster);
  const file = await volumes.importFile(content.file, vmId, storage);
  const old = machine.config[key];
  const drive = parseDrive(`${file},${variable("disk_options")}`);
  machine.config[key] = printDrive(
    withOptions(drive, { size: String(volumes.sizeOf(file)) }),
  );
  if (old !== undefined) {
    addUnused(machine, parseDrive(old).file);
  }
  cluster.store.save();
  return { exitCode: 0, output: `update VM ${vmId}: -${key} ${file}\n` };
}
