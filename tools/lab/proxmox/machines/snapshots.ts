import type { Cluster } from "../cluster";
import { drivesOf } from "../config/drives";
import { parseSize } from "../config/propertyString";
import { digestOf } from "../config/present";
import { failure } from "../http/apiError";
import type { Call } from "../http/router";
import type { MachineState, SnapshotState } from "../state/model";
import { snapshotDisks } from "../storage/disks";
import { checkLock } from "./checks";
import { kill, start } from "./power";

/** What `GET snapshot` lists; the present state comes last. */
export function listSnapshots(machine: MachineState): unknown[] {
  return [
    ...Object.entries(machine.snapshots).map(([name, snapshot]) => ({
      name,
      snaptime: snapshot.time,
      vmstate: snapshot.withMemory ? 1 : 0,
      description: snapshot.description ?? "",
      ...parentOf(snapshot),
    })),
    {
      name: "current",
      digest: digestOf(machine),
      running: machine.running ? 1 : 0,
      description: "You are here!",
      ...parentOf(machine),
    },
  ];
}

function parentOf({ parent }: { parent?: string }): { parent?: string } {
  return parent === undefined ? {} : { parent };
}

/** @throws ApiError when there is none of the name. */
export function snapshotOf(machine: MachineState, name: string): SnapshotState {
  const snapshot = machine.snapshots[name];
  if (snapshot === undefined) {
    throw failure(`snapshot '${name}' does not exist`);
  }
  return snapshot;
}

/** Takes a snapshot. Only reserved names are refused before the task. */
export function createSnapshot(call: Call): string {
  const { cluster, caller, vmId, node } = call;
  const name = call.text("snapname");
  if (name === "current" || name.toLowerCase() === "pending") {
    throw failure(
      `unable to use snapshot name '${name.toLowerCase()}' (reserved name)`,
    );
  }
  cluster.store.machine(vmId, node);
  let locked = false;
  return cluster.tasks.start(
    { node, type: "qmsnapshot", id: vmId, user: caller.user },
    {
      begin: () => {
        const machine = cluster.store.machine(vmId, node);
        checkLock(machine);
        if (machine.config.template === "1") {
          throw failure("you can't take a snapshot if it's a template");
        }
        if (machine.snapshots[name] !== undefined) {
          throw failure(`snapshot name '${name}' already used`);
        }
        machine.lock = "snapshot";
        locked = true;
      },
      finish: async () => {
        await take(call, name);
        delete cluster.store.machine(vmId, node).lock;
      },
      undo: () => {
        if (locked) {
          delete cluster.store.findMachine(vmId)?.lock;
        }
      },
    },
  );
}

async function take(call: Call, name: string): Promise<void> {
  const { cluster, vmId, node } = call;
  const machine = cluster.store.machine(vmId, node);
  const withMemory =
    (call.flag("vmstate") ?? false) && (await cluster.isRunning(machine));
  await cluster.guests.snapshot(
    machine,
    name,
    snapshotDisks(cluster, machine),
    withMemory,
  );
  const description = call.optionalText("description");
  machine.snapshots[name] = {
    time: Math.floor(Date.now() / 1000),
    config: { ...machine.config },
    withMemory,
    ...(description === undefined ? {} : { description }),
    ...parentOf(machine),
  };
  machine.parent = name;
}

/** Goes back to a snapshot; a running machine is ended first. */
export function rollbackSnapshot(call: Call): string {
  const { cluster, caller, vmId, node } = call;
  const name = call.text("snapname");
  if (call.flag("start")) {
    caller.check(`/vms/${vmId}`, "VM.PowerMgmt");
  }
  cluster.store.machine(vmId, node);
  return cluster.tasks.start(
    { node, type: "qmrollback", id: vmId, user: caller.user },
    {
      finish: async () => {
        const machine = cluster.store.machine(vmId, node);
        const snapshot = snapshotOf(machine, name);
        checkLock(machine);
        await rollBack(cluster, machine, name, snapshot);
        if (call.flag("start") || snapshot.withMemory) {
          await start(cluster, vmId, node);
        }
      },
    },
  );
}

async function rollBack(
  cluster: Cluster,
  machine: MachineState,
  name: string,
  snapshot: SnapshotState,
): Promise<void> {
  if (await cluster.isRunning(machine)) {
    await kill(cluster, machine);
  }
  await cluster.guests.rollback(
    machine,
    name,
    snapshotDisks(cluster, snapshot),
  );
  restoreSizes(cluster, snapshot);
  machine.config = { ...snapshot.config };
  machine.pending = {};
  machine.pendingDelete = [];
  machine.parent = name;
}

/** Changes a snapshot's description; there is no task. */
export function describeSnapshot(call: Call): null {
  const { cluster, vmId, node } = call;
  const description = call.optionalText("description");
  if (description === undefined) {
    return null;
  }
  const machine = cluster.store.machine(vmId, node);
  checkLock(machine);
  const name = call.text("snapname");
  machine.snapshots[name] = { ...snapshotOf(machine, name), description };
  cluster.store.save();
  return null;
}

/** A disk that grew since then is as small as it was. */
function restoreSizes(cluster: Cluster, { config }: SnapshotState): void {
  for (const { file, options } of drivesOf(config).values()) {
    const volume = cluster.store.state.volumes[file];
    const size = parseSize(options.get("size") ?? "");
    if (volume !== undefined && size !== undefined) {
      volume.size = size;
    }
  }
}

/** Deletes a snapshot. */
export function deleteSnapshot(call: Call): string {
  const { cluster, caller, vmId, node } = call;
  const name = call.text("snapname");
  cluster.store.machine(vmId, node);
  let locked = false;
  return cluster.tasks.start(
    { node, type: "qmdelsnapshot", id: vmId, user: caller.user },
    {
      begin: () => {
        const machine = cluster.store.machine(vmId, node);
        snapshotOf(machine, name);
        checkLock(machine);
        machine.lock = "snapshot-delete";
        locked = true;
      },
      finish: async () => {
        const machine = cluster.store.machine(vmId, node);
        await remove(cluster, machine, name);
        delete machine.lock;
      },
      undo: () => {
        if (locked) {
          delete cluster.store.findMachine(vmId)?.lock;
        }
      },
    },
  );
}

async function remove(
  cluster: Cluster,
  machine: MachineState,
  name: string,
): Promise<void> {
  const snapshot = snapshotOf(machine, name);
  await cluster.guests.deleteSnapshot(
    machine,
    name,
    snapshotDisks(cluster, snapshot),
  );
  delete machine.snapshots[name];
  for (const [other, state] of Object.entries(machine.snapshots)) {
    if (state.parent === name) {
      const { parent, ...rest } = state;
      void parent;
      machine.snapshots[other] = { ...rest, ...parentOf(snapshot) };
    }
  }
  if (machine.parent === name) {
    if (snapshot.parent === undefined) {
      delete machine.parent;
    } else {
      machine.parent = snapshot.parent;
    }
  }
}
