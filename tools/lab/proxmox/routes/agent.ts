import { failure, parameterError } from "../http/apiError";
import type { Call, Route } from "../http/router";
import { agentCommand } from "../machines/agent";

const base = "/nodes/{node}/qemu/{vmid}/agent";

/** A call that hands a command without arguments to the agent. */
function command(method: "GET" | "POST", name: string): Route {
  return {
    method,
    path: `${base}/${name}`,
    permissions: [
      {
        path: "/vms/{vmid}",
        privileges:
          method === "GET" || name === "ping"
            ? ["VM.GuestAgent.Audit", "VM.GuestAgent.Unrestricted"]
            : ["VM.GuestAgent.Unrestricted"],
        any: true,
      },
    ],
    handle: async (call) => ({ result: await run(call, name) }),
  };
}

const unrestricted = [
  { path: "/vms/{vmid}", privileges: ["VM.GuestAgent.Unrestricted"] },
];

export const agentRoutes: readonly Route[] = [
  command("POST", "ping"),
  command("POST", "fstrim"),
  command("POST", "fsfreeze-status"),
  command("POST", "fsfreeze-freeze"),
  command("POST", "fsfreeze-thaw"),
  command("POST", "shutdown"),
  command("GET", "info"),
  command("GET", "get-time"),
  command("GET", "get-fsinfo"),
  command("GET", "get-host-name"),
  command("GET", "get-osinfo"),
  command("GET", "get-timezone"),
  command("GET", "get-users"),
  command("GET", "get-vcpus"),
  command("GET", "network-get-interfaces"),
  {
    method: "POST",
    path: `${base}/exec`,
    permissions: unrestricted,
    parameters: {
      command: { type: "array" },
      "input-data": { type: "string", optional: true, maxLength: 64 * 1024 },
    },
    handle: (call) => {
      const [path, ...arg] = call.list("command");
      const input = call.optionalText("input-data");
      return run(call, "exec", {
        path,
        arg,
        "capture-output": true,
        ...(input === undefined
          ? {}
          : { "input-data": Buffer.from(input).toString("base64") }),
      });
    },
  },
  {
    method: "GET",
    path: `${base}/exec-status`,
    permissions: unrestricted,
    parameters: { pid: { type: "integer" } },
    handle: execStatus,
  },
  {
    method: "POST",
    path: `${base}/file-write`,
    permissions: [
      {
        path: "/vms/{vmid}",
        privileges: ["VM.GuestAgent.FileWrite", "VM.GuestAgent.Unrestricted"],
        any: true,
      },
    ],
    parameters: {
      file: { type: "string" },
      content: { type: "string", maxLength: 60 * 1024 },
      encode: { type: "boolean", optional: true },
    },
    handle: writeFile,
  },
  {
    method: "GET",
    path: `${base}/file-read`,
    permissions: [
      {
        path: "/vms/{vmid}",
        privileges: ["VM.GuestAgent.FileRead", "VM.GuestAgent.Unrestricted"],
        any: true,
      },
    ],
    parameters: { file: { type: "string" } },
    handle: readFile,
  },
];

function run(
  { cluster, vmId, node }: Call,
  name: string,
  args: Readonly<Record<string, unknown>> = {},
): Promise<unknown> {
  const machine = cluster.store.machine(vmId, node);
  return agentCommand(cluster, machine, name, args);
}

/** Output is decoded, and yes or no are 1 or 0, as Proxmox hands them on. */
async function execStatus(call: Call): Promise<unknown> {
  const result = (await run(call, "exec-status", {
    pid: call.integer("pid"),
  })) as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(result).map(([name, value]) => [
      name,
      /^(out|err)-data$/.test(name)
        ? Buffer.from(String(value), "base64").toString("latin1")
        : typeof value === "boolean"
          ? Number(value)
          : value,
    ]),
  );
}

async function writeFile(call: Call): Promise<null> {
  const content = call.text("content");
  const encoded =
    (call.flag("encode") ?? true)
      ? Buffer.from(content).toString("base64")
      : content;
  if (call.flag("encode") === false && !/^[A-Za-z0-9+/\s]*=*$/.test(content)) {
    throw parameterError({ content: "not base64" });
  }
  const handle = await run(call, "file-open", {
    path: call.text("file"),
    mode: "wb",
  });
  await run(call, "file-write", { handle, "buf-b64": encoded });
  await run(call, "file-close", { handle });
  return null;
}

const maxRead = 16 * 1024 ** 2;

async function readFile(call: Call): Promise<unknown> {
  const handle = await run(call, "file-open", { path: call.text("file") });
  const chunks: Buffer[] = [];
  let bytes = 0;
  let eof = false;
  while (!eof && bytes < maxRead) {
    const part = (await run(call, "file-read", {
      handle,
      count: 1024 ** 2,
    })) as { count: number; eof: boolean; "buf-b64": string };
    chunks.push(Buffer.from(part["buf-b64"], "base64"));
    bytes += part.count;
    eof = part.eof || part.count === 0;
  }
  await run(call, "file-close", { handle });
  if (chunks.length === 0) {
    throw failure("Agent error: can't read from file");
  }
  return {
    content: Buffer.concat(chunks).toString("latin1"),
    "bytes-read": bytes,
    ...(eof ? {} : { truncated: 1 }),
  };
}
