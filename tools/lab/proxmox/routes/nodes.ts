import { permissionError } from "../http/apiError";
import { parameterError } from "../http/apiError";
import type { Call, Route } from "../http/router";
import type { TaskState } from "../state/model";
import { parseUpid } from "../tasks/upid";

const text = { type: "string", optional: true } as const;
const integer = { type: "integer", optional: true, minimum: 0 } as const;

export const nodeRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/nodes",
    handle: ({ cluster }) =>
      Object.entries(cluster.store.state.nodes).map(([node, { online }]) => ({
        id: `node/${node}`,
        node,
        type: "node",
        status: online ? "online" : "offline",
      })),
  },
  {
    method: "GET",
    path: "/nodes/{node}/network",
    parameters: { type: text },
    handle: ({ cluster }) =>
      cluster.settings.bridges.map((iface, index) => ({
        iface,
        type: "bridge",
        active: 1,
        autostart: 1,
        method: "static",
        ...(index === 0
          ? { address: "127.0.0.1", netmask: "8", cidr: "127.0.0.1/8" }
          : {}),
        families: ["inet"],
        priority: index + 1,
      })),
  },
  {
    method: "GET",
    path: "/nodes/{node}/tasks",
    parameters: {
      vmid: integer,
      start: integer,
      limit: integer,
      source: text,
      typefilter: text,
      statusfilter: text,
      errors: { type: "boolean", optional: true },
    },
    handle: listTasks,
  },
  {
    method: "GET",
    path: "/nodes/{node}/tasks/{upid}/status",
    handle: (call) => presentTask(taskOf(call)),
  },
  {
    method: "GET",
    path: "/nodes/{node}/tasks/{upid}/log",
    parameters: { start: integer, limit: integer },
    handle: (call) => {
      const start = call.optionalInteger("start") ?? 0;
      const limit = call.optionalInteger("limit") ?? 50;
      return taskOf(call)
        .log.map((line, index) => ({ n: index + 1, t: line }))
        .slice(start, limit === 0 ? undefined : start + limit);
    },
  },
  {
    method: "DELETE",
    path: "/nodes/{node}/tasks/{upid}",
    handle: (call) => {
      call.cluster.tasks.stop(taskOf(call).upid);
      return null;
    },
  },
];

function listTasks(call: Call): unknown[] {
  const vmId = call.optionalText("vmid");
  const type = call.optionalText("typefilter");
  const start = call.optionalInteger("start") ?? 0;
  return Object.values(call.cluster.store.state.tasks)
    .filter(
      (task) =>
        task.node === call.node &&
        (vmId ?? task.id) === task.id &&
        (type ?? task.type) === task.type &&
        maySee(call, task),
    )
    .reverse()
    .slice(start, start + (call.optionalInteger("limit") ?? 50))
    .map((task) => ({
      ...presentTask(task),
      ...(task.exitStatus === undefined
        ? {}
        : { endtime: task.endTime, status: task.exitStatus }),
    }));
}

/** Own tasks, those of the user that a token belongs to, and all of them with `Sys.Audit`. */
function maySee({ caller }: Call, { user, node }: TaskState): boolean {
  return (
    user === caller.user ||
    user === caller.user.split("!")[0] ||
    caller.has(`/nodes/${node}`, "Sys.Audit")
  );
}

function taskOf(call: Call): TaskState {
  const upid = call.text("upid");
  if (parseUpid(upid) === undefined) {
    throw parameterError({ upid: `unable to parse worker upid '${upid}'` });
  }
  const task = call.cluster.tasks.find(upid);
  if (task === undefined) {
    throw parameterError({ upid: "no such task" });
  }
  if (!maySee(call, task)) {
    throw permissionError(`/nodes/${task.node}`, "Sys.Audit");
  }
  return task;
}

function presentTask(task: TaskState): Record<string, unknown> {
  const [user = "", token] = task.user.split("!");
  return {
    upid: task.upid,
    node: task.node,
    pid: task.pid,
    pstart: task.pid * 100,
    starttime: task.startTime,
    type: task.type,
    id: task.id,
    user,
    ...(token === undefined ? {} : { tokenid: token }),
    ...(task.exitStatus === undefined
      ? { status: "running" }
      : { status: "stopped", exitstatus: task.exitStatus }),
  };
}
