import { presentConfig, presentKeys, presentPending } from "../config/present";
import { configSchema } from "../config/schema";
import type { ParameterSchema } from "../http/parameters";
import type { Call, Route } from "../http/router";
import { filesOfMachine } from "../cloudInit/drive";
import { cloneMachine } from "../machines/clone";
import { createMachine } from "../machines/create";
import { unlockedMachine } from "../machines/checks";
import { destroyMachine } from "../machines/destroy";
import { makeTemplate, moveDisk, resizeDisk } from "../machines/disks";
import { migrateMachine } from "../machines/migrate";
import { agentEnabled } from "../machines/agent";
import {
  rebootMachine,
  resetMachine,
  shutdownMachine,
  startMachine,
  stopMachine,
  writeCloudInit,
} from "../machines/power";
import { snapshotOf } from "../machines/snapshots";
import { applyChange, checkChange, readChange } from "../machines/update";
import { cpusOf, machineStatus } from "./cluster";

const text: ParameterSchema = { type: "string", optional: true };
const flag: ParameterSchema = { type: "boolean", optional: true };
const seconds: ParameterSchema = {
  type: "integer",
  optional: true,
  minimum: 0,
};
const vmId: ParameterSchema = {
  type: "integer",
  minimum: 100,
  maximum: 999_999_999,
};
const node: ParameterSchema = {
  type: "string",
  optional: true,
  format: "node",
};
const storage: ParameterSchema = {
  type: "string",
  optional: true,
  format: "storageId",
};
const pool: ParameterSchema = {
  type: "string",
  optional: true,
  format: "poolId",
};
const digest: ParameterSchema = {
  type: "string",
  optional: true,
  maxLength: 40,
};
const snapshotName: ParameterSchema = {
  type: "string",
  optional: true,
  format: "configId",
  maxLength: 40,
};

const machine = "/nodes/{node}/qemu/{vmid}";
const audit = [{ path: "/vms/{vmid}", privileges: ["VM.Audit"] }];
const power = [{ path: "/vms/{vmid}", privileges: ["VM.PowerMgmt"] }];
const anyConfig = [
  {
    path: "/vms/{vmid}",
    privileges: [
      ...["VM.Config.Disk", "VM.Config.CDROM", "VM.Config.CPU"],
      ...["VM.Config.Memory", "VM.Config.Network", "VM.Config.HWType"],
      ...["VM.Config.Options", "VM.Config.Cloudinit"],
    ],
    any: true,
  },
];
const configParameters = {
  skiplock: flag,
  delete: { ...text, format: "configIdList" },
  revert: { ...text, format: "configIdList" },
  force: flag,
  digest,
  cdrom: text,
} as const;

export const machineRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/nodes/{node}/qemu",
    parameters: { full: flag },
    handle: listMachines,
  },
  {
    method: "POST",
    path: "/nodes/{node}/qemu",
    parameters: {
      vmid: vmId,
      pool,
      storage,
      start: flag,
      bwlimit: seconds,
      cdrom: text,
      "import-working-storage": storage,
    },
    moreParameters: configSchema,
    handle: createMachine,
  },
  {
    method: "GET",
    path: `${machine}/config`,
    permissions: audit,
    parameters: { current: flag, snapshot: snapshotName },
    handle: (call) => {
      const found = call.cluster.store.machine(call.vmId, call.node);
      const snapshot = call.optionalText("snapshot");
      return snapshot === undefined
        ? presentConfig(found, call.flag("current"))
        : presentKeys(snapshotOf(found, snapshot).config);
    },
  },
  {
    method: "GET",
    path: `${machine}/pending`,
    permissions: audit,
    handle: (call) =>
      presentPending(call.cluster.store.machine(call.vmId, call.node)),
  },
  {
    method: "PUT",
    path: `${machine}/config`,
    permissions: anyConfig,
    parameters: configParameters,
    moreParameters: configSchema,
    handle: async (call) => {
      const change = readChange(call);
      const found = call.cluster.store.machine(call.vmId, call.node);
      checkChange(call, found, change);
      await applyChange(call, change);
      return null;
    },
  },
  {
    method: "POST",
    path: `${machine}/config`,
    permissions: anyConfig,
    parameters: {
      ...configParameters,
      background_delay: { ...seconds, minimum: 1, maximum: 30 },
      "import-working-storage": storage,
    },
    moreParameters: configSchema,
    handle: (call) => {
      const change = readChange(call);
      const found = call.cluster.store.machine(call.vmId, call.node);
      checkChange(call, found, change);
      return call.cluster.tasks.start(
        {
          node: call.node,
          type: "qmconfig",
          id: call.vmId,
          user: call.caller.user,
        },
        { finish: () => applyChange(call, change) },
      );
    },
  },
  {
    method: "PUT",
    path: `${machine}/cloudinit`,
    permissions: [{ path: "/vms/{vmid}", privileges: ["VM.Config.Cloudinit"] }],
    handle: async ({ cluster, vmId: id, node: on }) => {
      await writeCloudInit(cluster, unlockedMachine(cluster, id, on));
      cluster.store.save();
      return null;
    },
  },
  {
    method: "GET",
    path: `${machine}/cloudinit/dump`,
    permissions: audit,
    parameters: {
      type: { type: "string", values: ["user", "network", "meta"] },
    },
    handle: dumpCloudInit,
  },
  {
    method: "PUT",
    path: `${machine}/resize`,
    permissions: [{ path: "/vms/{vmid}", privileges: ["VM.Config.Disk"] }],
    parameters: {
      disk: { type: "string" },
      size: { type: "string" },
      digest,
      skiplock: flag,
    },
    handle: resizeDisk,
  },
  {
    method: "POST",
    path: `${machine}/move_disk`,
    permissions: [{ path: "/vms/{vmid}", privileges: ["VM.Config.Disk"] }],
    parameters: {
      disk: { type: "string" },
      storage,
      format: { ...text, values: ["raw", "qcow2", "vmdk"] },
      delete: flag,
      digest,
      bwlimit: seconds,
      "target-vmid": { ...vmId, optional: true },
      "target-disk": text,
      "target-digest": digest,
    },
    handle: moveDisk,
  },
  {
    method: "POST",
    path: `${machine}/template`,
    permissions: [{ path: "/vms/{vmid}", privileges: ["VM.Allocate"] }],
    parameters: { disk: text },
    handle: makeTemplate,
  },
  {
    method: "POST",
    path: `${machine}/clone`,
    permissions: [{ path: "/vms/{vmid}", privileges: ["VM.Clone"] }],
    parameters: {
      newid: vmId,
      name: { ...text, format: "dnsName" },
      description: text,
      pool,
      snapname: snapshotName,
      storage,
      format: { ...text, values: ["raw", "qcow2", "vmdk"] },
      full: flag,
      target: node,
      bwlimit: seconds,
    },
    handle: cloneMachine,
  },
  {
    method: "POST",
    path: `${machine}/migrate`,
    permissions: [{ path: "/vms/{vmid}", privileges: ["VM.Migrate"] }],
    parameters: {
      target: { type: "string", format: "node" },
      online: flag,
      force: flag,
      "with-local-disks": flag,
      targetstorage: text,
      bwlimit: seconds,
    },
    handle: migrateMachine,
  },
  {
    method: "DELETE",
    path: machine,
    permissions: [{ path: "/vms/{vmid}", privileges: ["VM.Allocate"] }],
    parameters: {
      skiplock: flag,
      purge: flag,
      "destroy-unreferenced-disks": flag,
    },
    handle: destroyMachine,
  },
  {
    method: "GET",
    path: `${machine}/status/current`,
    permissions: audit,
    handle: currentStatus,
  },
  {
    method: "POST",
    path: `${machine}/status/start`,
    permissions: power,
    parameters: { timeout: seconds, skiplock: flag, machine: text },
    handle: startMachine,
  },
  {
    method: "POST",
    path: `${machine}/status/stop`,
    permissions: power,
    parameters: {
      timeout: seconds,
      skiplock: flag,
      keepActive: flag,
      "overrule-shutdown": flag,
    },
    handle: stopMachine,
  },
  {
    method: "POST",
    path: `${machine}/status/shutdown`,
    permissions: power,
    parameters: {
      timeout: seconds,
      skiplock: flag,
      forceStop: flag,
      keepActive: flag,
    },
    handle: shutdownMachine,
  },
  {
    method: "POST",
    path: `${machine}/status/reboot`,
    permissions: power,
    parameters: { timeout: seconds },
    handle: rebootMachine,
  },
  {
    method: "POST",
    path: `${machine}/status/reset`,
    permissions: power,
    parameters: { skiplock: flag },
    handle: resetMachine,
  },
];

async function listMachines(call: Call): Promise<unknown[]> {
  const { cluster, caller } = call;
  const visible = cluster.store.machines.filter(
    (one) =>
      one.node === call.node && caller.has(`/vms/${one.vmId}`, "VM.Audit"),
  );
  return Promise.all(visible.map((one) => machineStatus(cluster, one)));
}

async function currentStatus(call: Call): Promise<unknown> {
  const found = call.cluster.store.machine(call.vmId, call.node);
  const status = await machineStatus(call.cluster, found);
  return {
    ...status,
    qmpstatus: status.status,
    cpus: cpusOf(found),
    ha: { managed: 0 },
    ...(agentEnabled(found.config) ? { agent: 1 } : {}),
  };
}

function dumpCloudInit(call: Call): string {
  const found = call.cluster.store.machine(call.vmId, call.node);
  const files = filesOfMachine(call.cluster, found);
  switch (call.text("type")) {
    case "user":
      return files?.userData ?? "";
    case "network":
      return files?.networkConfig ?? "";
    default:
      return files?.metaData ?? "";
  }
}
