import { randomUUID } from "node:crypto";
import {
  drivesOf,
  isCdDrive,
  isCloudInitDrive,
  printDrive,
  withOptions,
  type Drive,
} from "../config/drives";
import { parseNetwork, printNetwork, randomMac } from "../config/nets";
import { parseProperties, printProperties } from "../config/propertyString";
import { failure, parameterError, permissionError } from "../http/apiError";
import type { Call } from "../http/router";
import type { MachineState } from "../state/model";
import { parseVolumeId, Volumes } from "../storage/volumes";
import { checkBridges, checkLock } from "./checks";

/** Copies a machine or template. Returns the task's id. */
export function cloneMachine(call: Call): string {
  const { cluster, vmId, node } = call;
  const newId = call.integer("newid");
  const plan = checkClone(call);
  const { store, tasks } = cluster;
  return tasks.start(
    { node, type: "qmclone", id: vmId, user: call.caller.user },
    {
      begin: (task) => {
        task.log(`creating a clone of VM ${vmId} with ID ${newId}`);
        store.state.machines[newId] = {
          vmId: newId,
          node: plan.target,
          config: {},
          pending: {},
          pendingDelete: [],
          lock: "clone",
          snapshots: {},
          running: false,
        };
      },
      finish: async (task) => {
        const config = await copiedConfig(call, plan, (line) => task.log(line));
        task.signal.throwIfAborted();
        const machine = store.machine(newId);
        machine.config = config;
        delete machine.lock;
        const pool = call.optionalText("pool");
        if (pool !== undefined) {
          machine.pool = pool;
        }
        store.save();
      },
      undo: async () => {
        const volumes = new Volumes(cluster);
        for (const volId of volumes.ownedBy(newId)) {
          await volumes.free(volId);
        }
        delete store.state.machines[newId];
      },
      failure: (text) => `clone failed: ${text}`,
    },
  );
}

interface ClonePlan {
  readonly full: boolean;
  readonly target: string;
  readonly source: Readonly<Record<string, string>>;
}

/** What Proxmox checks before it makes a task. */
function checkClone(call: Call): ClonePlan {
  const { caller, cluster, vmId, node } = call;
  const { store } = cluster;
  const newId = call.integer("newid");
  const pool = call.optionalText("pool");
  const storage = call.optionalText("storage");
  const snapshot = call.optionalText("snapname");
  const target = call.optionalText("target") ?? node;
  if (
    !caller.has(`/vms/${newId}`, "VM.Allocate") &&
    !(pool !== undefined && caller.has(`/pool/${pool}`, "VM.Allocate"))
  ) {
    throw permissionError(`/vms/${newId}`, "VM.Allocate");
  }
  if (pool !== undefined && store.state.pools[pool] === undefined) {
    throw permissionError(`pool '${pool}' does not exist`);
  }
  if (store.state.nodes[target] === undefined) {
    throw failure(`no such cluster node '${target}'`);
  }
  checkTargetStorage(call, storage, target);
  const machine = store.machine(vmId, node);
  checkLock(machine);
  if (snapshot !== undefined && machine.snapshots[snapshot] === undefined) {
    throw failure(`snapshot '${snapshot}' does not exist`);
  }
  const full = call.flag("full") ?? machine.config.template !== "1";
  for (const name of ["storage", "format"]) {
    if (!full && call.optionalText(name) !== undefined) {
      throw failure(`parameter '${name}' not allowed for linked clones`);
    }
  }
  const source =
    snapshot === undefined
      ? machine.config
      : (machine.snapshots[snapshot]?.config ?? {});
  checkSourceDrives(call, machine, source, storage, full);
  checkBridges(caller, source);
  if (target !== node && !usesSharedStorage(call, source)) {
    throw failure(`can't clone VM to node '${target}' (VM uses local storage)`);
  }
  refuseTaken(call, newId);
  return { full, target, source };
}

function checkTargetStorage(
  { cluster, node }: Call,
  storage: string | undefined,
  target: string,
): void {
  if (storage === undefined) {
    return;
  }
  const found = cluster.store.storageOn(storage, node);
  if (!found.content.includes("images")) {
    throw parameterError({
      storage: `storage '${storage}' does not support vm images`,
    });
  }
  if (target !== node && !found.shared) {
    throw failure(`can't clone to non-shared storage '${storage}'`);
  }
}

function checkSourceDrives(
  { caller, cluster }: Call,
  machine: MachineState,
  source: Readonly<Record<string, string>>,
  storage: string | undefined,
  full: boolean,
): void {
  const { volumes } = cluster.store.state;
  for (const [key, drive] of drivesOf(source)) {
    if (isCdDrive(drive) && !isCloudInitDrive(drive)) {
      continue;
    }
    const own = parseVolumeId(drive.file)?.storage;
    const used = storage ?? own;
    if (used !== undefined) {
      caller.check(`/storage/${used}`, "Datastore.AllocateSpace");
    }
    const isBase = /(^|[:/])base-/.test(drive.file.split("/").at(-1) ?? "");
    if (!full && !isCloudInitDrive(drive) && !isBase) {
      throw failure(
        `Linked clone feature is not supported for '${drive.file}' (${key})`,
      );
    }
    if (volumes[drive.file] === undefined) {
      throw failure(`volume '${drive.file}' does not exist`);
    }
  }
  if (full && machine.running && source.tpmstate0 !== undefined) {
    throw failure("cannot clone TPM state while VM is running");
  }
}

function usesSharedStorage(
  { cluster }: Call,
  source: Readonly<Record<string, string>>,
): boolean {
  return [...drivesOf(source).values()].every((drive) => {
    const storage = parseVolumeId(drive.file)?.storage;
    return storage === undefined || cluster.store.storage(storage).shared;
  });
}

function refuseTaken({ cluster }: Call, newId: number): void {
  if (cluster.store.findMachine(newId) !== undefined) {
    throw failure(`unable to create VM ${newId}: config file already exists`);
  }
}

/** The clone's configuration; its disks are made on the way. */
async function copiedConfig(
  call: Call,
  { full, source }: ClonePlan,
  log: (line: string) => void,
): Promise<Record<string, string>> {
  const newId = call.integer("newid");
  const config: Record<string, string> = {};
  for (const [key, value] of Object.entries(source)) {
    if (/^unused\d+$/.test(key) || key === "template") {
      continue;
    }
    config[key] = /^net\d+$/.test(key)
      ? printNetwork({ ...parseNetwork(key, value), mac: randomMac() })
      : value;
  }
  config.smbios1 = printProperties(
    new Map([...parseProperties(config.smbios1 ?? ""), ["uuid", randomUUID()]]),
  );
  if (config.vmgenid !== undefined) {
    config.vmgenid = randomUUID();
  }
  config.name = call.optionalText("name") ?? nameOfCopy(call, source);
  const description = call.optionalText("description");
  if (description !== undefined && description !== "") {
    config.description = description;
  }
  for (const [key, drive] of drivesOf(source)) {
    if (!isCdDrive(drive) || isCloudInitDrive(drive)) {
      config[key] = await copiedDrive(call, newId, drive, full, log);
    }
  }
  return config;
}

function nameOfCopy(
  { vmId }: Call,
  source: Readonly<Record<string, string>>,
): string {
  return `Copy-of-VM-${source.name ?? vmId}`;
}

async function copiedDrive(
  call: Call,
  newId: number,
  drive: Drive,
  full: boolean,
  log: (line: string) => void,
): Promise<string> {
  const volumes = new Volumes(call.cluster);
  const own = parseVolumeId(drive.file)?.storage ?? "";
  const storage = call.optionalText("storage") ?? own;
  if (isCloudInitDrive(drive)) {
    const file = volumes.allocateCloudInit(storage, newId);
    return printDrive(
      withOptions({ ...drive, file }, { size: String(volumes.sizeOf(file)) }),
    );
  }
  log(
    full
      ? `create full clone of drive (${drive.file})`
      : `create linked clone of drive (${drive.file})`,
  );
  const file = await volumes.copy(drive.file, newId, storage, !full);
  return printDrive(
    withOptions({ ...drive, file }, { size: String(volumes.sizeOf(file)) }),
  );
}
