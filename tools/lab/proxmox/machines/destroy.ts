import { drivesOf, isCdDrive, isCloudInitDrive } from "../config/drives";
import { failure } from "../http/apiError";
import type { Call } from "../http/router";
import { Volumes } from "../storage/volumes";
import { checkLock, checkProtection } from "./checks";

/** Removes a stopped machine with the disks that it owns. Returns the task's id. */
export async function destroyMachine(call: Call): Promise<string> {
  const { cluster, caller, vmId, node } = call;
  await checkDestroy(call);
  return cluster.tasks.start(
    { node, type: "qmdestroy", id: vmId, user: caller.user },
    {
      finish: async () => {
        await checkDestroy(call);
        const machine = cluster.store.machine(vmId, node);
        checkLock(machine);
        machine.lock = "destroyed";
        await freeVolumes(call);
        await cluster.guests.forget(vmId);
        delete cluster.store.state.machines[vmId];
      },
    },
  );
}

async function checkDestroy({ cluster, vmId, node }: Call): Promise<void> {
  const machine = cluster.store.machine(vmId, node);
  checkProtection(machine, `can't remove VM ${vmId}`);
  if (await cluster.isRunning(machine)) {
    throw failure(`VM ${vmId} is running - destroy failed`);
  }
}

/** Disks of the configuration and its snapshots; with a flag, all others of the machine too. */
async function freeVolumes(call: Call): Promise<void> {
  const { cluster, vmId, node } = call;
  const volumes = new Volumes(cluster);
  const machine = cluster.store.machine(vmId, node);
  const configs = [
    machine.config,
    machine.pending,
    ...Object.values(machine.snapshots).map(({ config }) => config),
  ];
  const named = configs.flatMap((config) => [
    ...[...drivesOf(config).values()]
      .filter((drive) => !isCdDrive(drive) || isCloudInitDrive(drive))
      .map(({ file }) => file),
    ...Object.entries(config)
      .filter(([key]) => /^unused\d+$/.test(key))
      .map(([, value]) => value),
  ]);
  const all = call.flag("destroy-unreferenced-disks")
    ? volumes.ownedBy(vmId)
    : named;
  for (const volId of new Set([...named, ...all])) {
    if (volumes.find(volId)?.vmId === vmId) {
      await volumes.free(volId);
    }
  }
}
