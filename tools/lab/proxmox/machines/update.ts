import type { Caller } from "../access/caller";
import type { Cluster } from "../cluster";
import { isCdDrive, parseDrive } from "../config/drives";
import { parseNetwork, printNetwork } from "../config/nets";
import { configWithPending, digestOf } from "../config/present";
import { privilegesForKey } from "../config/privileges";
import { configSchema, isDriveKey } from "../config/schema";
import { failure, parameterError } from "../http/apiError";
import { splitList } from "../http/parameters";
import type { Call } from "../http/router";
import type { MachineState } from "../state/model";
import { Volumes } from "../storage/volumes";
import { checkBridges, checkLock, checkProtection } from "./checks";
import { checkDrivePrivileges, createDrive } from "./createDrives";
import { hashPassword } from "./password";
import {
  applyToRunning,
  applyToStopped,
  dropEmptyChanges,
} from "./pendingChanges";

/** A change of a machine's configuration, as a request asks for it. */
export interface ConfigChange {
  readonly set: Readonly<Record<string, string>>;
  readonly delete: readonly string[];
  readonly revert: readonly string[];
  readonly force: boolean;
  readonly digest?: string;
}

/** Parameters of a change that are no keys of the configuration. */
const instructions = [
  ...["node", "vmid", "delete", "revert", "force", "digest", "skiplock"],
  ...["background_delay", "import-working-storage"],
];

/** @throws ApiError 400 for contradictions. */
export function readChange(call: Call): ConfigChange {
  const set = Object.fromEntries(
    Object.keys(call.parameters)
      .filter((name) => !instructions.includes(name))
      .map((name) => [name === "cdrom" ? "ide2" : name, call.text(name)]),
  );
  const revert = splitList(call.optionalText("revert"));
  const remove = splitList(call.optionalText("delete")).map((key) =>
    key === "cdrom" ? "ide2" : key,
  );
  if (call.flag("skiplock") && !call.caller.isRoot) {
    throw parameterError({ skiplock: "Only root may use this option." });
  }
  for (const [name, keys] of [
    ["revert", revert],
    ["delete", remove],
  ] as const) {
    for (const key of keys) {
      if (configSchema(key) === undefined) {
        throw parameterError({ [name]: `unknown option '${key}'` });
      }
      if (set[key] !== undefined) {
        throw parameterError({
          delete: `you can't use '-${key}' and -${name} ${key}' at the same time`,
        });
      }
    }
  }
  const digest = call.optionalText("digest");
  if (Object.keys(set).length + revert.length + remove.length === 0) {
    throw failure("no options specified");
  }
  return {
    set,
    delete: remove,
    revert,
    force: call.flag("force") ?? false,
    ...(digest === undefined ? {} : { digest }),
  };
}

/** The checks that are made before a task or lock. */
export function checkChange(
  call: Call,
  machine: MachineState,
  change: ConfigChange,
): void {
  for (const key of change.delete) {
    if (!isDriveKey(key)) {
      checkKey(call.caller, machine.vmId, key);
    }
  }
  checkKeys(call, machine.vmId, change.set);
  if (change.digest !== undefined && change.digest !== digestOf(machine)) {
    throw failure("checksum mismatch (file change by other user?)");
  }
  checkLock(machine);
  checkMemory(machine, change);
}

/** @throws ApiError 403 for what the values need on machine, storages and bridges. */
export function checkKeys(
  { caller, cluster }: Call,
  vmId: number,
  set: Readonly<Record<string, string>>,
): void {
  for (const [key, value] of Object.entries(set)) {
    if (isDriveKey(key)) {
      checkDrivePrivileges(caller, cluster, vmId, value);
    } else {
      checkKey(caller, vmId, key);
    }
  }
  checkBridges(
    caller,
    Object.fromEntries(
      Object.entries(set).filter(([key]) => /^net\d+$/.test(key)),
    ),
  );
  checkSnippets(caller, set.cicustom);
}

function checkKey(caller: Caller, vmId: number, key: string): void {
  if (caller.isRoot) {
    return;
  }
  const { privileges, onCluster } = privilegesForKey(key);
  caller.checkAny(`/vms/${vmId}`, privileges);
  if (onCluster !== undefined) {
    caller.check("/", onCluster);
  }
}

/** Files of cloud-init have to be readable for who names them. */
function checkSnippets(caller: Caller, cicustom: string | undefined): void {
  for (const part of (cicustom ?? "").split(",").filter((one) => one !== "")) {
    const storage = /=([^:]+):/.exec(part)?.[1];
    if (storage === undefined) {
      throw parameterError({
        cicustom: `invalid format - format error\n${part}: value does not match the regex pattern\n`,
      });
    }
    if (!caller.has(`/storage/${storage}`, "Datastore.Audit")) {
      caller.check(`/storage/${storage}`, "Datastore.AllocateSpace");
    }
  }
}

function checkMemory(machine: MachineState, { set }: ConfigChange): void {
  if (set.memory === undefined && set.balloon === undefined) {
    return;
  }
  const merged = { ...configWithPending(machine), ...set };
  const memory = Number((merged.memory ?? "512").replace("current=", ""));
  if (Number(merged.balloon ?? 0) > memory) {
    throw failure(
      "balloon value too large (must be smaller than assigned memory)",
    );
  }
}

/** Makes the change: at once where the machine takes it, pending where it does not. */
export async function applyChange(
  call: Call,
  change: ConfigChange,
): Promise<void> {
  const { cluster, vmId, node } = call;
  const machine = cluster.store.machine(vmId, node);
  checkLock(machine);
  for (const key of change.revert) {
    delete machine.pending[key];
    machine.pendingDelete = machine.pendingDelete.filter((one) => one !== key);
  }
  for (const key of change.delete) {
    await deleteKey(call, machine, key, change.force);
  }
  for (const [key, value] of Object.entries(change.set)) {
    await setKey(cluster, machine, key, value);
  }
  dropEmptyChanges(machine);
  await ((await cluster.isRunning(machine))
    ? applyToRunning(cluster, machine)
    : applyToStopped(cluster, machine));
  cluster.store.save();
}

async function deleteKey(
  { cluster, caller }: Call,
  machine: MachineState,
  key: string,
  force: boolean,
): Promise<void> {
  const value = machine.config[key] ?? machine.pending[key];
  delete machine.pending[key];
  if (value === undefined) {
    return; // Proxmox only warns.
  }
  removeFromBootOrder(machine, key);
  if (/^unused\d+$/.test(key)) {
    checkProtection(machine, `can't remove unused disk '${value}'`);
    caller.check(`/vms/${machine.vmId}`, "VM.Config.Disk");
    await new Volumes(cluster).free(parseDrive(value).file);
    delete machine.config[key];
    return;
  }
  if (isDriveKey(key)) {
    checkProtection(machine, `can't remove drive '${key}'`);
    checkDrivePrivileges(caller, cluster, machine.vmId, value);
    if (force && !machine.running && machine.config[key] !== undefined) {
      delete machine.config[key];
      await new Volumes(cluster).free(parseDrive(value).file);
      return;
    }
  }
  if (
    machine.config[key] !== undefined &&
    !machine.pendingDelete.includes(key)
  ) {
    machine.pendingDelete.push(key);
  }
}

function removeFromBootOrder(machine: MachineState, key: string): void {
  const order = bootOrder(machine);
  if (order.includes(key)) {
    machine.pending.boot = `order=${order.filter((one) => one !== key).join(";")}`;
  }
}

function bootOrder(machine: MachineState): string[] {
  const boot = machine.pending.boot ?? machine.config.boot ?? "";
  return splitList(/(?:^|,)order=([^,]*)/.exec(boot)?.[1]);
}

async function setKey(
  cluster: Cluster,
  machine: MachineState,
  key: string,
  value: string,
): Promise<void> {
  machine.pendingDelete = machine.pendingDelete.filter((one) => one !== key);
  if (isDriveKey(key)) {
    machine.pending[key] = await createDrive(cluster, machine, key, value);
    addCdToBootOrder(machine, key);
  } else if (key === "cipassword") {
    machine.config[key] = hashPassword(value);
  } else {
    if (key === "boot") {
      checkBootOrder(machine, value);
    }
    machine.pending[key] = storedValue(key, value);
  }
}

/** Proxmox marks a new CD bootable where there is an order. */
function addCdToBootOrder(machine: MachineState, key: string): void {
  const order = bootOrder(machine);
  const drive = parseDrive(machine.pending[key] ?? "");
  if (order.length > 0 && isCdDrive(drive) && !order.includes(key)) {
    machine.pending.boot = `order=${[...order, key].join(";")}`;
  }
}

function checkBootOrder(machine: MachineState, value: string): void {
  for (const device of splitList(/(?:^|,)order=([^,]*)/.exec(value)?.[1])) {
    const there = machine.config[device] ?? machine.pending[device];
    if (there === undefined || machine.pendingDelete.includes(device)) {
      throw failure(`invalid bootorder: device '${device}' does not exist'`);
    }
  }
}

/** A value as Proxmox keeps it. */
export function storedValue(key: string, value: string): string {
  if (/^net\d+$/.test(key)) {
    return printNetwork(parseNetwork(key, value));
  }
  if (key === "tags") {
    return [...new Set(splitList(value).map((tag) => tag.toLowerCase()))]
      .sort()
      .join(";");
  }
  switch (configSchema(key)?.type) {
    case "boolean":
      return /^(1|on|yes|true)$/i.test(value) ? "1" : "0";
    case "integer":
      return String(Number(value));
    default:
      return value;
  }
}
