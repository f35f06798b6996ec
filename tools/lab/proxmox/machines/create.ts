import { randomUUID } from "node:crypto";
import { drivesOf, isCdDrive } from "../config/drives";
import { networksOf } from "../config/nets";
import { isDriveKey } from "../config/schema";
import { failure, permissionError } from "../http/apiError";
import type { Call } from "../http/router";
import type { MachineState } from "../state/model";
import { Volumes } from "../storage/volumes";
import { createDrive } from "./createDrives";
import { hashPassword } from "./password";
import { start } from "./power";
import { checkKeys, storedValue } from "./update";

const instructions = [
  ...["node", "vmid", "pool", "storage", "start", "bwlimit"],
  "import-working-storage",
];

/** Makes a machine from nothing, or from images that its disks import. */
export function createMachine(call: Call): string {
  const { cluster, caller, vmId, node } = call;
  const { store } = cluster;
  const pool = call.optionalText("pool");
  if (
    !caller.has(`/vms/${vmId}`, "VM.Allocate") &&
    !(pool !== undefined && caller.has(`/pool/${pool}`, "VM.Allocate"))
  ) {
    throw permissionError(`/vms/${vmId}`, "VM.Allocate");
  }
  if (pool !== undefined && store.state.pools[pool] === undefined) {
    throw permissionError(`pool '${pool}' does not exist`);
  }
  const set = Object.fromEntries(
    Object.keys(call.parameters)
      .filter((name) => !instructions.includes(name))
      .map((name) => [name === "cdrom" ? "ide2" : name, call.text(name)]),
  );
  checkKeys(call, vmId, set);
  if (store.findMachine(vmId) !== undefined) {
    throw failure(
      `unable to create VM ${vmId} - VM ${vmId} already exists on node '${store.machine(vmId).node}'`,
    );
  }
  const fresh: MachineState = {
    vmId,
    node,
    config: {},
    pending: {},
    pendingDelete: [],
    lock: "create",
    snapshots: {},
    running: false,
  };
  return cluster.tasks.start(
    { node, type: "qmcreate", id: vmId, user: caller.user },
    {
      begin: () => {
        store.state.machines[vmId] = fresh;
      },
      finish: async () => {
        const machine = store.machine(vmId);
        machine.config = await newConfig(call, machine, set);
        delete machine.lock;
        if (pool !== undefined) {
          machine.pool = pool;
        }
        if (call.flag("start")) {
          await start(cluster, vmId, node);
        }
      },
      undo: async () => {
        const volumes = new Volumes(cluster);
        for (const volId of volumes.ownedBy(vmId)) {
          await volumes.free(volId);
        }
        delete store.state.machines[vmId];
      },
      failure: (text) => `unable to create VM ${vmId} - ${text}`,
    },
  );
}

async function newConfig(
  { cluster }: Call,
  machine: MachineState,
  set: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const config: Record<string, string> = {};
  for (const [key, value] of Object.entries(set)) {
    if (isDriveKey(key)) {
      config[key] = await createDrive(
        cluster,
        { ...machine, config },
        key,
        value,
      );
    } else {
      config[key] =
        key === "cipassword" ? hashPassword(value) : storedValue(key, value);
    }
  }
  config.boot ??= `order=${defaultBootOrder(config).join(";")}`;
  config.smbios1 ??= `uuid=${randomUUID()}`;
  if (config.vmgenid === undefined || config.vmgenid === "1") {
    config.vmgenid = randomUUID();
  }
  return config;
}

/** The first disk and the first network device. */
function defaultBootOrder(config: Readonly<Record<string, string>>): string[] {
  const disk = [...drivesOf(config)].find(
    ([key, drive]) => /^(ide|sata|scsi|virtio)/.test(key) && !isCdDrive(drive),
  );
  const [network] = networksOf(config).keys();
  return [disk?.[0], network].filter((key) => key !== undefined);
}
