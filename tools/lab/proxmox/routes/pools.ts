import { failure } from "../http/apiError";
import { splitList } from "../http/parameters";
import type { Call, Route } from "../http/router";

const text = { type: "string", optional: true } as const;
const flag = { type: "boolean", optional: true } as const;

export const poolRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/pools",
    parameters: { poolid: text, type: text },
    handle: (call) => {
      const wanted = call.optionalText("poolid");
      const pools = Object.entries(call.cluster.store.state.pools).filter(
        ([id]) =>
          (wanted ?? id) === id && call.caller.has(`/pool/${id}`, "Pool.Audit"),
      );
      return pools.map(([poolid, { comment }]) => ({
        poolid,
        ...(comment === undefined ? {} : { comment }),
        ...(wanted === undefined ? {} : { members: membersOf(call, poolid) }),
      }));
    },
  },
  {
    method: "POST",
    path: "/pools",
    permissions: [{ path: "/pool/{poolid}", privileges: ["Pool.Allocate"] }],
    parameters: { poolid: { type: "string", format: "poolId" }, comment: text },
    handle: (call) => {
      const { pools } = call.cluster.store.state;
      const id = call.text("poolid");
      if (pools[id] !== undefined) {
        throw failure(`create pool failed: pool '${id}' already exists`);
      }
      const comment = call.optionalText("comment");
      pools[id] = comment === undefined ? {} : { comment };
      call.cluster.store.save();
      return null;
    },
  },
  {
    method: "GET",
    path: "/pools/{poolid}",
    permissions: [{ path: "/pool/{poolid}", privileges: ["Pool.Audit"] }],
    parameters: { type: text },
    handle: (call) => {
      const id = poolOf(call);
      const comment = call.cluster.store.state.pools[id]?.comment;
      return {
        ...(comment === undefined ? {} : { comment }),
        members: membersOf(call, id),
      };
    },
  },
  {
    method: "PUT",
    path: "/pools/{poolid}",
    permissions: [{ path: "/pool/{poolid}", privileges: ["Pool.Allocate"] }],
    parameters: {
      comment: text,
      vms: text,
      storage: text,
      delete: flag,
      "allow-move": flag,
    },
    handle: updatePool,
  },
  {
    method: "DELETE",
    path: "/pools/{poolid}",
    permissions: [{ path: "/pool/{poolid}", privileges: ["Pool.Allocate"] }],
    handle: (call) => {
      const id = poolOf(call);
      if (membersOf(call, id).length > 0) {
        throw failure(`delete pool failed: pool '${id}' is not empty`);
      }
      delete call.cluster.store.state.pools[id];
      call.cluster.store.save();
      return null;
    },
  },
];

function poolOf(call: Call): string {
  const id = call.text("poolid");
  if (call.cluster.store.state.pools[id] === undefined) {
    throw failure(`pool '${id}' does not exist`);
  }
  return id;
}

function membersOf({ cluster }: Call, pool: string): unknown[] {
  return cluster.store.machines
    .filter((machine) => machine.pool === pool)
    .map(({ vmId, node, config, running }) => ({
      id: `qemu/${vmId}`,
      vmid: vmId,
      node,
      type: "qemu",
      name: config.name ?? `VM ${vmId}`,
      status: running ? "running" : "stopped",
    }));
}

function updatePool(call: Call): null {
  const { store } = call.cluster;
  const id = poolOf(call);
  const comment = call.optionalText("comment");
  if (comment !== undefined) {
    store.state.pools[id] = { comment };
  }
  for (const vmId of splitList(call.optionalText("vms")).map(Number)) {
    const machine = store.findMachine(vmId);
    if (call.flag("delete")) {
      if (machine?.pool !== id) {
        throw failure(`update pool failed: VM ${vmId} is not a pool member`);
      }
      delete machine.pool;
    } else if (machine === undefined) {
      throw failure(`update pool failed: VM ${vmId} does not exist`);
    } else {
      if (machine.pool !== undefined && !call.flag("allow-move")) {
        throw failure(
          `update pool failed: VM ${vmId} belongs already to pool '${machine.pool}'`,
        );
      }
      machine.pool = id;
    }
  }
  store.save();
  return null;
}
