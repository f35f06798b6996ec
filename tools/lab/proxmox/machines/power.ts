import type { Cluster } from "../cluster";
import { cloudInitVolume, filesOfMachine } from "../cloudInit/drive";
import { instanceIdOf } from "../cloudInit/files";
import { drivesOf } from "../config/drives";
import { networksOf } from "../config/nets";
import { failure } from "../http/apiError";
import type { Call } from "../http/router";
import type { MachineState } from "../state/model";
import { disksOf } from "../storage/disks";
import { fileOfContent, parseVolumeId } from "../storage/volumes";
import { pause, type RunningTask } from "../tasks/tasks";
import { agentEnabled } from "./agent";
import { checkLock } from "./checks";
import { applyToStopped } from "./pendingChanges";

/** Starts a machine. Nothing is checked before the task but that the machine is there. */
export function startMachine({ cluster, caller, vmId, node }: Call): string {
  cluster.store.machine(vmId, node);
  return cluster.tasks.start(
    { node, type: "qmstart", id: vmId, user: caller.user },
    { finish: () => start(cluster, vmId, node) },
  );
}

/** @throws ApiError when it cannot start, in the words of the task's error. */
export async function start(
  cluster: Cluster,
  vmId: number,
  node: string,
): Promise<void> {
  const machine = cluster.store.machine(vmId, node);
  if (machine.config.template === "1") {
    throw failure("you can't start a vm if it's a template");
  }
  checkLock(machine);
  if (await cluster.isRunning(machine)) {
    throw failure(`VM ${vmId} already running`);
  }
  await applyToStopped(cluster, machine);
  cluster.store.save();
  checkHardware(cluster, machine);
  await writeCloudInit(cluster, machine);
  const { config } = machine;
  const disks = disksOf(cluster, machine);
  await cluster.guests.start({ machine, config, disks });
  machine.running = true;
  machine.startedAt = Date.now();
  cluster.store.save();
}

function checkHardware(cluster: Cluster, { config }: MachineState): void {
  for (const { bridge } of networksOf(config).values()) {
    if (bridge !== undefined && !cluster.settings.bridges.includes(bridge)) {
      throw failure(`bridge '${bridge}' does not exist`);
    }
  }
  for (const [, drive] of drivesOf(config)) {
    const id = parseVolumeId(drive.file);
    const isThere =
      id === undefined ||
      cluster.store.state.volumes[drive.file] !== undefined ||
      fileOfContent(cluster.store.storage(id.storage), id.name) !== undefined;
    if (!isThere) {
      throw failure(`volume '${drive.file}' does not exist`);
    }
  }
}

/** Writes the cloud-init drive anew, as every start does. */
export async function writeCloudInit(
  cluster: Cluster,
  machine: MachineState,
): Promise<void> {
  const files = filesOfMachine(cluster, machine);
  const volId = cloudInitVolume(machine.config);
  if (files === undefined || volId === undefined) {
    return;
  }
  const id = instanceIdOf(files);
  if (id !== undefined) {
    machine.instanceId = id;
  }
  const volume = cluster.store.state.volumes[volId];
  if (volume === undefined) {
    throw failure(`volume '${volId}' does not exist`);
  }
  const data = await cluster.guests.writeCloudInit(machine.vmId, files);
  if (data !== undefined) {
    volume.data = data;
  }
}

/** Ends a machine at once. */
export function stopMachine({ cluster, caller, vmId, node }: Call): string {
  cluster.store.machine(vmId, node);
  return cluster.tasks.start(
    { node, type: "qmstop", id: vmId, user: caller.user },
    {
      finish: async () => {
        const machine = cluster.store.machine(vmId, node);
        if (await cluster.isRunning(machine)) {
          checkLock(machine);
          await kill(cluster, machine);
        }
      },
    },
  );
}

/** Resets a running machine. */
export async function resetMachine(call: Call): Promise<string> {
  const { cluster, caller, vmId, node } = call;
  await refuseStopped(call);
  return cluster.tasks.start(
    { node, type: "qmreset", id: vmId, user: caller.user },
    {
      finish: async () => {
        const machine = cluster.store.machine(vmId, node);
        checkLock(machine);
        await cluster.guests.reset(machine);
      },
    },
  );
}

/** Asks the guest to shut down and waits for it, as long as the call says. */
export function shutdownMachine(call: Call): string {
  const { cluster, caller, vmId, node } = call;
  cluster.store.machine(vmId, node);
  const seconds = call.optionalInteger("timeout") ?? 60;
  const force = call.flag("forceStop") ?? false;
  return cluster.tasks.start(
    { node, type: "qmshutdown", id: vmId, user: caller.user },
    { finish: (task) => shutDown(cluster, vmId, task, seconds, force) },
  );
}

/** Shuts down and starts again. */
export async function rebootMachine(call: Call): Promise<string> {
  const { cluster, caller, vmId, node } = call;
  await refuseStopped(call);
  const seconds = call.optionalInteger("timeout") ?? 60;
  return cluster.tasks.start(
    { node, type: "qmreboot", id: vmId, user: caller.user },
    {
      finish: async (task) => {
        await shutDown(cluster, vmId, task, seconds, false);
        await start(cluster, vmId, node);
      },
    },
  );
}

async function shutDown(
  cluster: Cluster,
  vmId: number,
  task: RunningTask,
  seconds: number,
  force: boolean,
): Promise<void> {
  const machine = cluster.store.machine(vmId);
  if (!(await cluster.isRunning(machine))) {
    return;
  }
  checkLock(machine);
  const byAgent =
    agentEnabled(machine.config) &&
    (await agentAnswers(cluster, machine, task));
  await cluster.guests.requestShutdown(machine, byAgent ? "agent" : "acpi");
  if (await ends(cluster, machine, seconds, task.signal)) {
    return;
  }
  if (!force) {
    throw failure("VM quit/powerdown failed - got timeout");
  }
  task.log("VM still running - terminating now with SIGTERM");
  await kill(cluster, machine);
}

async function agentAnswers(
  cluster: Cluster,
  machine: MachineState,
  task: RunningTask,
): Promise<boolean> {
  try {
    await cluster.guests.agent(machine, "ping", {}, 3);
    return true;
  } catch {
    task.log(
      `QEMU Guest Agent is not running - VM ${machine.vmId} qga command 'guest-ping' failed - got timeout`,
    );
    return false;
  }
}

/** Waits until the machine has ended; false when the time is over. */
async function ends(
  cluster: Cluster,
  machine: MachineState,
  seconds: number,
  signal: AbortSignal,
): Promise<boolean> {
  const deadline = Date.now() + seconds * 1000;
  while (await cluster.isRunning(machine)) {
    if (Date.now() >= deadline) {
      return false;
    }
    await pause(Math.min(200, Math.max(1, deadline - Date.now())), signal);
  }
  return true;
}

/** Ends it, and what it did not take while it ran is taken at its next start. */
export async function kill(
  cluster: Cluster,
  machine: MachineState,
): Promise<void> {
  await cluster.guests.kill(machine);
  machine.running = false;
  delete machine.startedAt;
  cluster.store.save();
}

async function refuseStopped({ cluster, vmId, node }: Call): Promise<void> {
  if (!(await cluster.isRunning(cluster.store.machine(vmId, node)))) {
    throw failure(`VM ${vmId} not running`);
  }
}
