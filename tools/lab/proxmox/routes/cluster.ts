import { drivesOf, isCdDrive } from "../config/drives";
import { parseSize } from "../config/propertyString";
import type { Cluster } from "../cluster";
import { failure, parameterError } from "../http/apiError";
import type { Call, Route } from "../http/router";
import type { MachineState } from "../state/model";
import { storageUsage } from "../storage/contents";

export const clusterRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/version",
    handle: ({ cluster }) => ({
      version: cluster.settings.version,
      release: cluster.settings.version.split(".").slice(0, 2).join("."),
      repoid: "0000000000000000",
    }),
  },
  {
    method: "GET",
    path: "/cluster/nextid",
    parameters: {
      vmid: {
        type: "integer",
        optional: true,
        minimum: 100,
        maximum: 999_999_999,
      },
    },
    handle: nextId,
  },
  {
    method: "GET",
    path: "/cluster/resources",
    parameters: {
      type: {
        type: "string",
        optional: true,
        values: ["vm", "storage", "node", "sdn"],
      },
    },
    handle: resources,
  },
  {
    method: "GET",
    path: "/cluster/status",
    handle: ({ cluster }) =>
      Object.entries(cluster.store.state.nodes).map(([name, node]) => ({
        type: "node",
        id: `node/${name}`,
        name,
        online: node.online ? 1 : 0,
      })),
  },
  {
    method: "GET",
    path: "/cluster/ha/resources/{sid}",
    handle: (call) => {
      // No machine of the simulator is managed for high availability.
      throw failure(`no such resource '${call.text("sid")}'`);
    },
  },
  {
    method: "GET",
    path: "/cluster/tasks",
    handle: ({ cluster }) =>
      Object.values(cluster.store.state.tasks).map((task) => ({
        upid: task.upid,
        node: task.node,
        type: task.type,
        id: task.id,
        user: task.user,
        starttime: task.startTime,
        ...(task.exitStatus === undefined
          ? {}
          : { endtime: task.endTime, status: task.exitStatus }),
      })),
  },
];

function nextId(call: Call): string {
  const { store } = call.cluster;
  const wanted = call.optionalInteger("vmid");
  if (wanted !== undefined) {
    if (store.findMachine(wanted) !== undefined) {
      throw parameterError({ vmid: `VM ${wanted} already exists` });
    }
    return String(wanted);
  }
  let id = 100;
  while (store.findMachine(id) !== undefined) {
    id += 1;
  }
  return String(id);
}

async function resources(call: Call): Promise<unknown[]> {
  const { cluster, caller } = call;
  const { state, machines } = cluster.store;
  const type = call.optionalText("type");
  const wants = (one: string) => type === undefined || type === one;
  const visible = machines.filter(({ vmId }) =>
    caller.has(`/vms/${vmId}`, "VM.Audit"),
  );
  const vms = wants("vm")
    ? await Promise.all(visible.map((one) => machineResource(cluster, one)))
    : [];
  const nodes = wants("node")
    ? Object.entries(state.nodes).map(([node, { online }]) => ({
        id: `node/${node}`,
        node,
        type: "node",
        status: online ? "online" : "offline",
      }))
    : [];
  const storages = wants("storage")
    ? Object.entries(state.nodes).flatMap(([node]) =>
        Object.entries(state.storages)
          .filter(([, { nodes: on }]) => on === undefined || on.includes(node))
          .map(([storage, { content, shared, type: plugin }]) => ({
            id: `storage/${node}/${storage}`,
            node,
            storage,
            type: "storage",
            plugintype: plugin,
            status: "available",
            content: content.join(","),
            shared: shared ? 1 : 0,
            ...resourceUsage(cluster, storage),
          })),
      )
    : [];
  return [...vms, ...nodes, ...storages];
}

function resourceUsage(
  cluster: Cluster,
  storage: string,
): Record<string, number> {
  const { total, used } = storageUsage(cluster, storage);
  return { maxdisk: total, disk: used };
}

async function machineResource(
  cluster: Cluster,
  machine: MachineState,
): Promise<unknown> {
  const { vmId, node, pool, config } = machine;
  return {
    id: `qemu/${vmId}`,
    type: "qemu",
    ...(await machineStatus(cluster, machine)),
    node,
    ...(pool === undefined ? {} : { pool }),
    template: config.template === "1" ? 1 : 0,
    maxcpu: cpusOf(machine),
  };
}

/** What status calls and lists say of a machine. */
export async function machineStatus(
  cluster: Cluster,
  machine: MachineState,
): Promise<Record<string, unknown>> {
  const { vmId, config, lock } = machine;
  const online = cluster.store.state.nodes[machine.node]?.online ?? false;
  const running = online && (await cluster.isRunning(machine));
  const status = online ? (running ? "running" : "stopped") : "unknown";
  const memory = Number((config.memory ?? "512").replace("current=", ""));
  return {
    vmid: vmId,
    name: config.name ?? `VM ${vmId}`,
    status,
    cpu: 0,
    mem: 0,
    maxmem: memory * 1024 ** 2,
    maxdisk: rootSize(machine),
    disk: 0,
    diskread: 0,
    diskwrite: 0,
    netin: 0,
    netout: 0,
    uptime:
      running && machine.startedAt !== undefined
        ? Math.floor((Date.now() - machine.startedAt) / 1000)
        : 0,
    ...(lock === undefined ? {} : { lock }),
    ...(config.tags === undefined ? {} : { tags: config.tags }),
    ...(config.template === "1" ? { template: 1 } : {}),
  };
}

export function cpusOf({ config }: MachineState): number {
  return Number(config.cores ?? 1) * Number(config.sockets ?? 1);
}

/** Bytes of the first disk. */
function rootSize({ config }: MachineState): number {
  const disk = [...drivesOf(config).values()].find((one) => !isCdDrive(one));
  return parseSize(disk?.options.get("size") ?? "") ?? 0;
}
