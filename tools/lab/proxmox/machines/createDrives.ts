import type { Caller } from "../access/caller";
import type { Cluster } from "../cluster";
import {
  cloudInitKey,
  isCdDrive,
  isCloudInitDrive,
  parseDrive,
  printDrive,
  withOptions,
  type Drive,
} from "../config/drives";
import { parseSize } from "../config/propertyString";
import { failure, parameterError } from "../http/apiError";
import type { MachineState } from "../state/model";
import { fileOfContent, parseVolumeId, Volumes } from "../storage/volumes";

const newDisk = /^([a-zA-Z][a-zA-Z0-9\-_.]*):(\d+(?:\.\d+)?)$/;

/** @throws ApiError 403 for what the drive needs on machine and storage. */
export function checkDrivePrivileges(
  caller: Caller,
  cluster: Cluster,
  vmId: number,
  text: string,
): void {
  const drive = parseDrive(text);
  const on = `/vms/${vmId}`;
  if (isCloudInitDrive(drive)) {
    caller.check(on, "VM.Config.Cloudinit", "VM.Config.CDROM");
  } else if (isCdDrive(drive)) {
    caller.check(on, "VM.Config.CDROM");
  } else {
    caller.check(on, "VM.Config.Disk");
  }
  const storage = newDisk.exec(drive.file)?.[1];
  const forCloudInit = /^([^:]+):cloudinit$/.exec(drive.file)?.[1];
  const allocatesOn = storage ?? forCloudInit;
  if (allocatesOn !== undefined) {
    caller.check(`/storage/${allocatesOn}`, "Datastore.AllocateSpace");
    cluster.store.storage(allocatesOn);
  }
}

/**
 * Makes what a drive's value asks for, and returns the value as it stands in the configuration.
 *
 * @param key of the drive.
 * @param text its value from the request.
 */
export async function createDrive(
  cluster: Cluster,
  machine: Pick<MachineState, "vmId" | "config" | "node">,
  key: string,
  text: string,
): Promise<string> {
  const drive = parseDrive(text);
  const volumes = new Volumes(cluster);
  if (["none", "cdrom", ""].includes(drive.file)) {
    return printDrive(withOptions(drive, { size: undefined }));
  }
  const forCloudInit = /^([^:]+):cloudinit$/.exec(drive.file)?.[1];
  if (forCloudInit !== undefined) {
    refuseSecondCloudInit(machine.config, key);
    cluster.store.storageOn(forCloudInit, machine.node);
    const file = volumes.allocateCloudInit(forCloudInit, machine.vmId);
    return printDrive(
      withOptions({ ...drive, file }, { media: "cdrom", format: undefined }),
    );
  }
  const fresh = newDisk.exec(drive.file);
  if (fresh !== null) {
    return createDisk(
      cluster,
      key,
      machine,
      drive,
      fresh[1] ?? "",
      fresh[2] ?? "",
    );
  }
  if (isCloudInitDrive(drive)) {
    refuseSecondCloudInit(machine.config, key);
  }
  const size = String(volumes.sizeOf(drive.file));
  return printDrive(withOptions(drive, { size }));
}

/** Disks whose size is the firmware's own, whatever is asked for. */
const fixedSizes: Readonly<Record<string, number>> = {
  efidisk0: 4 * 1024 ** 2,
  tpmstate0: 4 * 1024 ** 2,
};

async function createDisk(
  cluster: Cluster,
  key: string,
  { vmId, node }: Pick<MachineState, "vmId" | "node">,
  drive: Drive,
  storage: string,
  gib: string,
): Promise<string> {
  cluster.store.storageOn(storage, node);
  const volumes = new Volumes(cluster);
  const format = drive.options.get("format") as "raw" | "qcow2" | undefined;
  const source = drive.options.get("import-from");
  const file =
    source === undefined
      ? await volumes.allocate(
          storage,
          vmId,
          fixedSizes[key] ?? parseSize(`${gib}G`) ?? 0,
          format,
        )
      : await importSource(cluster, source, vmId, storage, format);
  return printDrive(
    withOptions(
      { ...drive, file },
      {
        size: String(volumes.sizeOf(file)),
        format: undefined,
        "import-from": undefined,
      },
    ),
  );
}

/** A disk from a file of content `import` or `iso`, or from another machine's disk. */
async function importSource(
  cluster: Cluster,
  source: string,
  vmId: number,
  storage: string,
  format: "raw" | "qcow2" | undefined,
): Promise<string> {
  const volumes = new Volumes(cluster);
  if (volumes.find(source) !== undefined) {
    return volumes.copy(source, vmId, storage, false);
  }
  const id = parseVolumeId(source);
  if (id === undefined) {
    throw parameterError({
      "import-from": "Only root can pass arbitrary filesystem paths.",
    });
  }
  volumes.sizeOf(source);
  const content = fileOfContent(cluster.store.storage(id.storage), id.name);
  if (content === undefined || content.content === "snippets") {
    throw failure(`cannot import from '${source}' - unsupported content type`);
  }
  return volumes.importFile(content.file, vmId, storage, format);
}

function refuseSecondCloudInit(
  config: Readonly<Record<string, string>>,
  key: string,
): void {
  const other = cloudInitKey(config);
  if (other !== undefined && other !== key) {
    throw failure(
      `${key} - cloud-init drive is already attached at '${other}'`,
    );
  }
}
