import * as fs from "node:fs";
import * as path from "node:path";
import type { Cluster } from "../cluster";
import { contentFolders, fileOfContent, parseVolumeId } from "./volumes";

/** One entry of a storage's content, as the API lists it. */
export interface ContentEntry {
  readonly volid: string;
  readonly content: string;
  readonly format: string;
  /** Bytes. */
  readonly size: number;
  /** Seconds since 1970. */
  readonly ctime: number;
  readonly used?: number;
  readonly vmid?: number;
  readonly parent?: string;
}

/** What a storage holds: files of its folder, and disk images of the books. */
export function listContent(
  cluster: Cluster,
  storage: string,
  content?: string,
  vmId?: number,
): ContentEntry[] {
  const { state } = cluster.store;
  const images = Object.entries(state.volumes)
    .filter(
      ([, volume]) =>
        volume.storage === storage &&
        (content ?? "images") === "images" &&
        (vmId ?? volume.vmId) === volume.vmId,
    )
    .map(([volid, volume]): ContentEntry => ({
      volid,
      content: "images",
      format: volume.format,
      size: volume.size,
      ctime: volume.createdAt,
      vmid: volume.vmId,
      ...(volume.parent === undefined ? {} : { parent: volume.parent }),
    }));
  return [
    ...images,
    ...(vmId === undefined ? filesOf(cluster, storage, content) : []),
  ];
}

function filesOf(
  cluster: Cluster,
  storage: string,
  content: string | undefined,
): ContentEntry[] {
  const { path: root, content: kinds } = cluster.store.storage(storage);
  if (root === undefined) {
    return [];
  }
  return Object.entries(contentFolders)
    .filter(([kind]) => kinds.includes(kind) && (content ?? kind) === kind)
    .flatMap(([kind, folder]) => {
      const at = path.join(root, folder);
      const names = fs.existsSync(at) ? fs.readdirSync(at) : [];
      return names.sort().map((name): ContentEntry => {
        const { size, mtimeMs } = fs.statSync(path.join(at, name));
        return {
          volid: `${storage}:${kind}/${name}`,
          content: kind,
          format: formatOf(kind, name),
          size,
          ctime: Math.floor(mtimeMs / 1000),
        };
      });
    });
}

function formatOf(kind: string, name: string): string {
  switch (kind) {
    case "iso":
      return "iso";
    case "snippets":
      return "snippet";
    case "vztmpl":
      return name.endsWith(".tar.zst") ? "tzst" : "tgz";
    default:
      return path.extname(name).slice(1) || "raw";
  }
}

/** One volume; undefined when it is not there. */
export function describeVolume(
  cluster: Cluster,
  volId: string,
): Record<string, unknown> | undefined {
  const volume = cluster.store.state.volumes[volId];
  if (volume !== undefined) {
    return {
      format: volume.format,
      size: volume.size,
      used: volume.size,
      path: volume.data ?? `/dev/pve/${volId.split(":")[1]}`,
    };
  }
  const id = parseVolumeId(volId);
  const found = id && fileOfContent(cluster.store.storage(id.storage), id.name);
  if (found === undefined || !fs.existsSync(found.file)) {
    return undefined;
  }
  const { size } = fs.statSync(found.file);
  const format =
    found.content === "import" ? path.extname(found.file).slice(1) : "raw";
  return { format, size, used: size, path: found.file };
}

/** Bytes of a storage: a fixed total, and what its images take. */
export function storageUsage(
  cluster: Cluster,
  storage: string,
): { total: number; used: number; avail: number } {
  const total = 100 * 1024 ** 3;
  const used = listContent(cluster, storage).reduce(
    (sum, { size }) => sum + size,
    0,
  );
  return { total, used, avail: Math.max(0, total - used) };
}
