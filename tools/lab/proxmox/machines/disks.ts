import {
  drivesOf,
  isCdDrive,
  isCloudInitDrive,
  parseDrive,
  printDrive,
  withOptions,
  type Drive,
} from "../config/drives";
import { parseSize } from "../config/propertyString";
import { failure, parameterError } from "../http/apiError";
import type { Call } from "../http/router";
import type { MachineState } from "../state/model";
import { parseVolumeId, Volumes } from "../storage/volumes";
import { checkLock } from "./checks";
import { addUnused } from "./pendingChanges";

/** Makes a disk bigger. All checks are the task's own. */
export function resizeDisk(call: Call): string {
  const { cluster, caller, vmId, node } = call;
  cluster.store.machine(vmId, node);
  return cluster.tasks.start(
    { node, type: "resize", id: vmId, user: caller.user },
    { finish: () => resize(call) },
  );
}

async function resize(call: Call): Promise<void> {
  const { cluster, caller, vmId, node } = call;
  const machine = cluster.store.machine(vmId, node);
  checkLock(machine);
  const key = call.text("disk");
  const drive = diskOf(machine, key, "resize");
  const volume = cluster.store.state.volumes[drive.file];
  if (volume === undefined) {
    throw failure(`volume '${drive.file}' does not exist`);
  }
  caller.check(`/storage/${volume.storage}`, "Datastore.AllocateSpace");
  const [, plus, amount = ""] = /^(\+)?(.*)$/.exec(call.text("size")) ?? [];
  const bytes =
    (parseSize(amount) ?? 0) + (plus === undefined ? 0 : volume.size);
  if (bytes < volume.size) {
    throw failure("shrinking disks is not supported");
  }
  if (bytes === volume.size) {
    return;
  }
  await cluster.guests.resizeDisk(machine, key, volume.data, bytes);
  volume.size = bytes;
  machine.config[key] = printDrive(withOptions(drive, { size: String(bytes) }));
}

function diskOf(machine: MachineState, key: string, verb: string): Drive {
  const value = machine.config[key];
  if (value === undefined) {
    throw failure(`disk '${key}' does not exist`);
  }
  const drive = parseDrive(value);
  if (isCdDrive(drive)) {
    throw failure(`you can't ${verb} a cdrom`);
  }
  return drive;
}

/** Moves a disk to another storage, or to another machine. */
export function moveDisk(call: Call): string {
  return call.optionalInteger("target-vmid") === undefined
    ? moveToStorage(call)
    : reassign(call);
}

function moveToStorage(call: Call): string {
  const { cluster, caller, vmId, node } = call;
  const key = call.text("disk");
  const storage = call.optionalText("storage");
  if (storage === undefined) {
    throw parameterError({ storage: "target storage is missing" });
  }
  caller.check(`/storage/${storage}`, "Datastore.AllocateSpace");
  const check = () => {
    const machine = cluster.store.machine(vmId, node);
    checkLock(machine);
    const drive = diskOf(machine, key, "move");
    if (parseVolumeId(drive.file)?.storage === storage) {
      throw failure("you can't move to the same storage with same format");
    }
    if (!cluster.store.storageOn(storage, node).content.includes("images")) {
      throw parameterError({
        storage: `storage '${storage}' does not support vm images`,
      });
    }
    if (call.flag("delete") && inSnapshot(machine, drive.file)) {
      throw failure(
        "you can't move a disk with snapshots and delete the source",
      );
    }
    return { machine, drive };
  };
  check();
  return cluster.tasks.start(
    { node, type: "qmmove", id: vmId, user: caller.user },
    {
      finish: async (task) => {
        const { machine, drive } = check();
        const volumes = new Volumes(cluster);
        task.log(
          `copying volume '${drive.file}' to target storage '${storage}'`,
        );
        const file = await volumes.copy(drive.file, vmId, storage, false);
        machine.config[key] = printDrive({ ...drive, file });
        if (call.flag("delete")) {
          await volumes.free(drive.file);
        } else {
          addUnused(machine, drive.file);
        }
      },
    },
  );
}

/** Gives a disk to another machine. */
function reassign(call: Call): string {
  const { cluster, caller, vmId, node } = call;
  const targetId = call.integer("target-vmid");
  const key = call.text("disk");
  const targetKey = call.optionalText("target-disk") ?? key;
  caller.check(`/vms/${targetId}`, "VM.Config.Disk");
  const check = () => {
    const source = cluster.store.machine(vmId, node);
    const target = cluster.store.machine(targetId, node);
    checkLock(source);
    checkLock(target);
    if (vmId === targetId) {
      throw parameterError({
        "target-vmid": "must be different than source VMID to reassign disk",
      });
    }
    const drive = diskOf(source, key, "reassign");
    if (target.config[targetKey] !== undefined) {
      throw failure(
        `Target disk key '${targetKey}' is already in use for VM '${targetId}'`,
      );
    }
    if (source.running && !/^unused/.test(key)) {
      throw failure("Cannot move disk of running VM to another one");
    }
    if (inSnapshot(source, drive.file)) {
      throw failure("Can't reassign disk with snapshots");
    }
    return { source, target, drive };
  };
  check();
  return cluster.tasks.start(
    { node, type: "qmmove", id: `${vmId}-${targetId}`, user: caller.user },
    {
      finish: () => {
        const { source, target, drive } = check();
        const file = rename(call, drive.file, targetId);
        delete source.config[key];
        target.config[targetKey] = printDrive({ ...drive, file });
      },
    },
  );
}

/** Volumes carry their owner's id in their names. */
function rename({ cluster }: Call, volId: string, vmId: number): string {
  const { volumes } = cluster.store.state;
  const volume = volumes[volId];
  if (volume === undefined) {
    throw failure(`volume '${volId}' does not exist`);
  }
  const nameOf = (index: number) =>
    volId
      .replace(new RegExp(`:${volume.vmId}/`), `:${vmId}/`)
      .replace(/vm-\d+-disk-\d+/, `vm-${vmId}-disk-${index}`);
  let index = 0;
  while (volumes[nameOf(index)] !== undefined) {
    index += 1;
  }
  delete volumes[volId];
  volumes[nameOf(index)] = { ...volume, vmId };
  return nameOf(index);
}

function inSnapshot(machine: MachineState, volId: string): boolean {
  return Object.values(machine.snapshots).some(({ config }) =>
    [...drivesOf(config).values()].some(({ file }) => file === volId),
  );
}

/** Makes a machine into a template: its disks become bases that clones stand on. */
export async function makeTemplate(call: Call): Promise<string> {
  const { cluster, caller, vmId, node } = call;
  const check = async () => {
    const machine = cluster.store.machine(vmId, node);
    checkLock(machine);
    if (Object.keys(machine.snapshots).length > 0) {
      throw failure("unable to create template, because VM contains snapshots");
    }
    if (machine.config.template === "1") {
      throw failure("you can't convert a template to a template");
    }
    if (await cluster.isRunning(machine)) {
      throw failure("you can't convert a VM to template if VM is running");
    }
    return machine;
  };
  await check();
  return cluster.tasks.start(
    { node, type: "qmtemplate", id: vmId, user: caller.user },
    {
      finish: async () => {
        const machine = await check();
        machine.config.template = "1";
        const { volumes } = cluster.store.state;
        for (const [key, drive] of drivesOf(machine.config)) {
          const volume = volumes[drive.file];
          if (volume !== undefined && !isCloudInitDrive(drive)) {
            const file = drive.file.replace(/\bvm-(\d+-disk-)/, "base-$1");
            delete volumes[drive.file];
            volumes[file] = volume;
            machine.config[key] = printDrive({ ...drive, file });
          }
        }
      },
    },
  );
}
