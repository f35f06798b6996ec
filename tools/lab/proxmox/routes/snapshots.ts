import { presentKeys } from "../config/present";
import type { ParameterSchema } from "../http/parameters";
import type { Route } from "../http/router";
import {
  createSnapshot,
  deleteSnapshot,
  describeSnapshot,
  listSnapshots,
  rollbackSnapshot,
  snapshotOf,
} from "../machines/snapshots";

const base = "/nodes/{node}/qemu/{vmid}/snapshot";
const name: ParameterSchema = {
  type: "string",
  format: "configId",
  maxLength: 40,
};
const snapshot = [{ path: "/vms/{vmid}", privileges: ["VM.Snapshot"] }];

export const snapshotRoutes: readonly Route[] = [
  {
    method: "GET",
    path: base,
    permissions: [{ path: "/vms/{vmid}", privileges: ["VM.Audit"] }],
    handle: async ({ cluster, vmId, node }) => {
      const machine = cluster.store.machine(vmId, node);
      await cluster.isRunning(machine);
      return listSnapshots(machine);
    },
  },
  {
    method: "POST",
    path: base,
    permissions: snapshot,
    parameters: {
      snapname: name,
      vmstate: { type: "boolean", optional: true },
      description: { type: "string", optional: true },
    },
    handle: createSnapshot,
  },
  {
    method: "GET",
    path: `${base}/{snapname}/config`,
    permissions: [
      {
        path: "/vms/{vmid}",
        privileges: ["VM.Snapshot", "VM.Snapshot.Rollback", "VM.Audit"],
        any: true,
      },
    ],
    handle: (call) => {
      const machine = call.cluster.store.machine(call.vmId, call.node);
      const found = snapshotOf(machine, call.text("snapname"));
      return {
        ...presentKeys(found.config),
        snaptime: found.time,
        ...(found.description === undefined
          ? {}
          : { description: found.description }),
        ...(found.parent === undefined ? {} : { parent: found.parent }),
      };
    },
  },
  {
    method: "PUT",
    path: `${base}/{snapname}/config`,
    permissions: snapshot,
    parameters: { description: { type: "string", optional: true } },
    handle: describeSnapshot,
  },
  {
    method: "POST",
    path: `${base}/{snapname}/rollback`,
    permissions: [
      {
        path: "/vms/{vmid}",
        privileges: ["VM.Snapshot", "VM.Snapshot.Rollback"],
        any: true,
      },
    ],
    parameters: { start: { type: "boolean", optional: true } },
    handle: rollbackSnapshot,
  },
  {
    method: "DELETE",
    path: `${base}/{snapname}`,
    permissions: snapshot,
    parameters: { force: { type: "boolean", optional: true } },
    handle: deleteSnapshot,
  },
];
