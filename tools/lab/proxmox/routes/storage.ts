import * as fs from "node:fs";
import * as path from "node:path";
import {
  ApiError,
  failure,
  parameterError,
  permissionError,
} from "../http/apiError";
import type { ParameterSchema } from "../http/parameters";
import type { Call, Route } from "../http/router";
import type { StorageState } from "../state/model";
import { describeVolume, listContent, storageUsage } from "../storage/contents";
import {
  contentFolders,
  fileOfContent,
  parseVolumeId,
  Volumes,
} from "../storage/volumes";

const text: ParameterSchema = { type: "string", optional: true };
const see = [
  {
    path: "/storage/{storage}",
    privileges: ["Datastore.Audit", "Datastore.AllocateSpace"],
    any: true,
  },
];

export const storageRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/storage",
    parameters: { type: text },
    handle: ({ cluster, caller }) =>
      Object.entries(cluster.store.state.storages)
        .filter(([id]) => caller.has(`/storage/${id}`, "Datastore.Audit"))
        .map(([id, storage]) => present(id, storage)),
  },
  {
    method: "GET",
    path: "/storage/{storage}",
    permissions: [
      { path: "/storage/{storage}", privileges: ["Datastore.Allocate"] },
    ],
    handle: (call) => {
      const id = call.text("storage");
      return present(id, call.cluster.store.storage(id));
    },
  },
  {
    method: "GET",
    path: "/nodes/{node}/storage",
    parameters: {
      content: text,
      storage: text,
      target: text,
      enabled: { type: "boolean", optional: true },
      format: { type: "boolean", optional: true },
    },
    handle: ({ cluster, caller, node }) =>
      Object.entries(cluster.store.state.storages)
        .filter(
          ([id, { nodes }]) =>
            (nodes === undefined || nodes.includes(node)) &&
            (caller.has(`/storage/${id}`, "Datastore.Audit") ||
              caller.has(`/storage/${id}`, "Datastore.AllocateSpace")),
        )
        .map(([id, storage]) => ({
          ...present(id, storage),
          ...storageUsage(cluster, id),
          active: 1,
          enabled: 1,
        })),
  },
  {
    method: "GET",
    path: "/nodes/{node}/storage/{storage}/status",
    permissions: see,
    handle: (call) => {
      const id = call.text("storage");
      const { type, content, shared } = storageOf(call);
      return {
        type,
        content: content.join(","),
        shared: shared ? 1 : 0,
        ...storageUsage(call.cluster, id),
        active: 1,
        enabled: 1,
      };
    },
  },
  {
    method: "GET",
    path: "/nodes/{node}/storage/{storage}/content",
    permissions: see,
    parameters: {
      content: text,
      vmid: { type: "integer", optional: true, minimum: 100 },
    },
    handle: (call) => {
      storageOf(call);
      return listContent(
        call.cluster,
        call.text("storage"),
        call.optionalText("content"),
        call.optionalInteger("vmid"),
      );
    },
  },
  {
    method: "POST",
    path: "/nodes/{node}/storage/{storage}/content",
    permissions: [
      { path: "/storage/{storage}", privileges: ["Datastore.AllocateSpace"] },
    ],
    parameters: {
      filename: { type: "string" },
      size: { type: "string" },
      vmid: { type: "integer", minimum: 100 },
      format: { ...text, values: ["raw", "qcow2", "vmdk"] },
    },
    handle: allocate,
  },
  {
    method: "GET",
    path: "/nodes/{node}/storage/{storage}/content/{volume}",
    handle: (call) => {
      const volId = volumeOf(call);
      checkVolumeAccess(call, volId);
      const found = describeVolume(call.cluster, volId);
      if (found === undefined) {
        throw failure(`volume '${volId}' does not exist`);
      }
      return found;
    },
  },
  {
    method: "DELETE",
    path: "/nodes/{node}/storage/{storage}/content/{volume}",
    parameters: { delay: { type: "integer", optional: true, minimum: 1 } },
    handle: deleteVolume,
  },
  {
    method: "POST",
    path: "/nodes/{node}/storage/{storage}/upload",
    permissions: [
      {
        path: "/storage/{storage}",
        privileges: ["Datastore.AllocateTemplate"],
      },
    ],
    parameters: {
      content: { type: "string", values: ["iso", "vztmpl", "import"] },
      filename: text,
      checksum: text,
      "checksum-algorithm": text,
      tmpfilename: text,
    },
    handle: upload,
  },
];

function present(id: string, storage: StorageState): Record<string, unknown> {
  return {
    storage: id,
    type: storage.type,
    content: storage.content.join(","),
    shared: storage.shared ? 1 : 0,
    ...(storage.path === undefined ? {} : { path: storage.path }),
    ...(storage.type === "lvmthin" ? { vgname: "pve", thinpool: "data" } : {}),
    ...(storage.nodes === undefined ? {} : { nodes: storage.nodes.join(",") }),
    digest: "0".repeat(40),
  };
}

function storageOf(call: Call): StorageState {
  return call.cluster.store.storageOn(call.text("storage"), call.node);
}

/** A volume may stand there with or without its storage. */
function volumeOf(call: Call): string {
  storageOf(call);
  const storage = call.text("storage");
  const name = call.text("volume");
  const id = parseVolumeId(name);
  if (id !== undefined && id.storage !== storage) {
    throw parameterError({
      volume: `storage ID mismatch ("${id.storage}" != "${storage}")`,
    });
  }
  return id === undefined ? `${storage}:${name}` : name;
}

function checkVolumeAccess({ caller, cluster }: Call, volId: string): void {
  const storage = parseVolumeId(volId)?.storage ?? "";
  const owner = cluster.store.state.volumes[volId]?.vmId;
  const may =
    caller.has(`/storage/${storage}`, "Datastore.Audit") ||
    caller.has(`/storage/${storage}`, "Datastore.AllocateSpace") ||
    (owner !== undefined && caller.has(`/vms/${owner}`, "VM.Config.Disk"));
  if (!may) {
    throw permissionError(
      `/storage/${storage}`,
      "Datastore.Audit",
      "Datastore.AllocateSpace",
    );
  }
}

async function allocate(call: Call): Promise<string> {
  const bytes = /^\d+$/.test(call.text("size"))
    ? Number(call.text("size")) * 1024
    : Number(call.text("size").slice(0, -1)) *
      (call.text("size").endsWith("G") ? 1024 ** 3 : 1024 ** 2);
  const storage = call.text("storage");
  const wanted = `${storage}:${call.text("filename")}`;
  if (call.cluster.store.state.volumes[wanted] !== undefined) {
    throw failure(
      `lvcreate 'pve/${call.text("filename")}' error:   Logical Volume "${call.text("filename")}" already exists in volume group "pve"`,
    );
  }
  const volumes = new Volumes(call.cluster);
  const made = await volumes.allocate(storage, call.vmId, bytes);
  volumes.rename(made, wanted);
  call.cluster.store.save();
  return wanted;
}

function deleteVolume(call: Call): string {
  const { cluster, caller, node } = call;
  const volId = volumeOf(call);
  const id = parseVolumeId(volId);
  const storage = id?.storage ?? "";
  const file = id && fileOfContent(cluster.store.storage(storage), id.name);
  if (file === undefined) {
    caller.check(`/storage/${storage}`, "Datastore.Allocate");
  } else {
    caller.check(`/storage/${storage}`, "Datastore.AllocateTemplate");
  }
  return cluster.tasks.start(
    { node, type: "imgdel", id: volId.replace(/:/g, "@"), user: caller.user },
    {
      finish: async (task) => {
        if (file !== undefined) {
          if (!fs.existsSync(file.file)) {
            throw failure(
              `unlink '${file.file}' failed: No such file or directory`,
            );
          }
          fs.rmSync(file.file);
        } else {
          await new Volumes(cluster).free(volId);
        }
        task.log(`Removed volume '${volId}'`);
      },
    },
  );
}

function upload(call: Call): string {
  const { cluster, caller, node } = call;
  const storage = storageOf(call);
  const content = call.text("content");
  const file = call.files[0];
  const name = (call.optionalText("filename") ?? file?.fileName ?? "")
    .replace(/^.*[\\/]/, "")
    .replace(/[^-a-zA-Z0-9_.]/g, "_");
  if (file === undefined) {
    throw parameterError({ tmpfilename: "missing temporary file name" });
  }
  checkFileName(content, name);
  if (!storage.content.includes(content)) {
    throw failure(
      `storage '${call.text("storage")}' does not support '${content}' content`,
    );
  }
  if (storage.path === undefined) {
    throw new ApiError(500, `can't upload to storage type '${storage.type}'`);
  }
  const target = path.join(storage.path, contentFolders[content] ?? "", name);
  return cluster.tasks.start(
    { node, type: "imgcopy", id: "", user: caller.user },
    {
      finish: (task) => {
        task.log(`target file: ${target}`);
        fs.mkdirSync(path.dirname(target), { recursive: true });
        fs.writeFileSync(target, file.content);
        task.log(`finished file import successfully`);
      },
    },
  );
}

function checkFileName(content: string, name: string): void {
  const endings: Readonly<Record<string, RegExp>> = {
    iso: /\.(iso|img)$/i,
    vztmpl: /\.tar\.(gz|xz|zst)$/i,
    import: /\.(ova|qcow2|raw|vmdk)$/i,
  };
  if (!endings[content]?.test(name)) {
    throw parameterError({ filename: "wrong file extension" });
  }
}
