import type { Cluster } from "../cluster";
import { isCdDrive, isCloudInitDrive, parseDrive } from "../config/drives";
import { isHotpluggable } from "../config/pending";
import { parseNetwork } from "../config/nets";
import { isDriveKey } from "../config/schema";
import { messageOf } from "@corral-iac/corral/core/errors";
import type { Device } from "../guests/backend";
import { parameterError } from "../http/apiError";
import { disksOf } from "../storage/disks";
import type { MachineState } from "../state/model";
import { Volumes } from "../storage/volumes";

/** Forgets pending changes that change nothing. */
export function dropEmptyChanges(machine: MachineState): void {
  for (const [key, value] of Object.entries(machine.pending)) {
    if (machine.config[key] === value) {
      delete machine.pending[key];
    }
  }
  machine.pendingDelete = machine.pendingDelete.filter(
    (key) => machine.config[key] !== undefined,
  );
}

/** Applies what a running machine takes, and leaves the rest pending. */
export async function applyToRunning(
  cluster: Cluster,
  machine: MachineState,
): Promise<void> {
  await apply(cluster, machine, (key, to) =>
    isHotpluggable(key, machine.config[key], to, machine.config.hotplug),
  );
}

/** Applies all that is pending, as before a start. */
export async function applyToStopped(
  cluster: Cluster,
  machine: MachineState,
): Promise<void> {
  await apply(cluster, machine, () => true);
}

async function apply(
  cluster: Cluster,
  machine: MachineState,
  takes: (key: string, to: string | undefined) => boolean,
): Promise<void> {
  for (const key of machine.pendingDelete.filter((one) =>
    takes(one, undefined),
  )) {
    const old = machine.config[key];
    await replug(cluster, machine, key, old, undefined);
    delete machine.config[key];
    machine.pendingDelete = machine.pendingDelete.filter((one) => one !== key);
    await setAside(cluster, machine, key, old);
  }
  for (const [key, value] of Object.entries(machine.pending)) {
    if (takes(key, value)) {
      const old = machine.config[key];
      await replug(cluster, machine, key, old, value);
      machine.config[key] = value;
      delete machine.pending[key];
      await setAside(cluster, machine, key, old);
    }
  }
}

/** A running guest sees the change; one that fails leaves the key as it was. */
async function replug(
  cluster: Cluster,
  machine: MachineState,
  key: string,
  from: string | undefined,
  to: string | undefined,
): Promise<void> {
  if (!machine.running) {
    return;
  }
  const [before, after] = [from, to].map((value) =>
    value === undefined ? undefined : deviceOf(cluster, key, value),
  );
  try {
    await cluster.guests.replug(machine, before, after);
  } catch (error) {
    throw parameterError({ [key]: `hotplug problem - ${messageOf(error)}` });
  }
}

function deviceOf(
  cluster: Cluster,
  key: string,
  value: string,
): Device | undefined {
  if (/^net\d+$/.test(key)) {
    return { kind: "network", card: parseNetwork(key, value) };
  }
  const disk = disksOf(cluster, { config: { [key]: value } })[0];
  return disk === undefined || disk.isCd ? undefined : { kind: "disk", disk };
}

/** A disk that a machine no longer uses stays as `unusedN`; a cloud-init drive goes. */
export async function setAside(
  cluster: Cluster,
  machine: MachineState,
  key: string,
  old: string | undefined,
): Promise<void> {
  if (!isDriveKey(key) || old === undefined) {
    return;
  }
  const drive = parseDrive(old);
  const volumes = new Volumes(cluster);
  if (isCloudInitDrive(drive)) {
    if (!refers(machine, drive.file)) {
      await volumes.free(drive.file);
    }
  } else if (
    !isCdDrive(drive) &&
    volumes.find(drive.file)?.vmId === machine.vmId &&
    !refers(machine, drive.file)
  ) {
    addUnused(machine, drive.file);
  }
}

/** Notes a disk under the first free `unusedN`. Returns the key. */
export function addUnused(machine: MachineState, volId: string): string {
  let index = 0;
  while (machine.config[`unused${index}`] !== undefined) {
    index += 1;
  }
  machine.config[`unused${index}`] = volId;
  return `unused${index}`;
}

function refers({ config, pending }: MachineState, volId: string): boolean {
  return [...Object.values(config), ...Object.values(pending)].some(
    (value) => parseDrive(value).file === volId,
  );
}
