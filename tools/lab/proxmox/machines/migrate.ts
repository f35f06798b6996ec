import { drivesOf, isCdDrive, isCloudInitDrive } from "../config/drives";
import { failure, parameterError } from "../http/apiError";
import type { Call } from "../http/router";
import { parseVolumeId } from "../storage/volumes";
import { checkLock } from "./checks";

/** Moves a machine to another node. All disks are on this machine anyway. */
export async function migrateMachine(call: Call): Promise<string> {
  const { cluster, caller, vmId, node } = call;
  const target = call.text("target");
  const machine = cluster.store.machine(vmId, node);
  if (target === node) {
    throw parameterError({ target: "target is local node." });
  }
  const found = cluster.store.state.nodes[target];
  if (found === undefined) {
    throw failure(`no such cluster node '${target}'`);
  }
  if (!found.online) {
    throw failure(`target node '${target}' is offline`);
  }
  checkLock(machine);
  const running = await cluster.isRunning(machine);
  if (running && !call.flag("online")) {
    throw failure("can't migrate running VM without --online");
  }
  return cluster.tasks.start(
    { node, type: "qmigrate", id: vmId, user: caller.user },
    {
      finish: (task) => {
        const faults = localDisks(call, running);
        if (faults.length > 0) {
          faults.forEach((line) =>
            task.log(`can't migrate local disk ${line}`),
          );
          throw failure("can't migrate VM - check log");
        }
        cluster.store.machine(vmId, node).node = target;
      },
    },
  );
}

/** Disks that another node would not have, each with what stands in the way. */
function localDisks(call: Call, running: boolean): string[] {
  const { cluster, vmId } = call;
  const { config } = cluster.store.machine(vmId);
  return [...drivesOf(config).values()].flatMap((drive) => {
    const storage = parseVolumeId(drive.file)?.storage;
    const isLocal =
      storage !== undefined &&
      !isCloudInitDrive(drive) &&
      !cluster.store.storage(storage).shared;
    if (!isLocal) {
      return [];
    }
    if (isCdDrive(drive)) {
      return [`'${drive.file}': local cdrom image`];
    }
    return running && !call.flag("with-local-disks")
      ? [
          `'${drive.file}': can't live migrate attached local disks without with-local-disks option`,
        ]
      : [];
  });
}
