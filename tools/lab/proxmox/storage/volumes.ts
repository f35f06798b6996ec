import * as fs from "node:fs";
import * as path from "node:path";
import type { Cluster } from "../cluster";
import { failure } from "../http/apiError";
import type { StorageState, VolumeState } from "../state/model";

/** Content that is files in a folder of the storage. */
export const contentFolders: Readonly<Record<string, string>> = {
  iso: "template/iso",
  vztmpl: "template/cache",
  snippets: "snippets",
  import: "import",
};

/** A volume id taken apart: `local:iso/a.iso` is storage `local` and name `iso/a.iso`. */
export interface VolumeId {
  readonly storage: string;
  readonly name: string;
}

export function parseVolumeId(text: string): VolumeId | undefined {
  const match = /^([a-zA-Z][a-zA-Z0-9\-_.]*):(.+)$/.exec(text);
  return match === null
    ? undefined
    : { storage: match[1] ?? "", name: match[2] ?? "" };
}

/** The file of a volume that is one; undefined for disk images. */
export function fileOfContent(
  storage: StorageState,
  name: string,
): { content: string; file: string } | undefined {
  const [content = "", ...rest] = name.split("/");
  const folder = contentFolders[content];
  if (storage.path === undefined || folder === undefined) {
    return undefined;
  }
  return { content, file: path.join(storage.path, folder, ...rest) };
}

/** Volumes: disk images in the books, other content in folders. */
export class Volumes {
  constructor(private readonly cluster: Cluster) {}

  find(volId: string): VolumeState | undefined {
    return this.cluster.store.state.volumes[volId];
  }

  /** @throws ApiError in Proxmox's words when there is no such image or file. */
  sizeOf(volId: string): number {
    const known = this.find(volId);
    if (known !== undefined) {
      return known.size;
    }
    const id = parseVolumeId(volId);
    const file =
      id && fileOfContent(this.cluster.store.storage(id.storage), id.name);
    if (file === undefined || !fs.existsSync(file.file)) {
      throw failure(`volume '${volId}' does not exist`);
    }
    return fs.statSync(file.file).size;
  }

  /** Makes an empty disk image. Returns its volume id. */
  async allocate(
    storage: string,
    vmId: number,
    bytes: number,
    format?: VolumeState["format"],
  ): Promise<string> {
    return this.add(storage, vmId, bytes, format, (name) =>
      this.cluster.guests.createDisk(vmId, name, bytes),
    );
  }

  /** Makes the image of a cloud-init drive, 4 MiB. */
  allocateCloudInit(storage: string, vmId: number): string {
    const { type } = this.checkImages(storage);
    const name = `vm-${vmId}-cloudinit`;
    const volId =
      type === "lvmthin"
        ? `${storage}:${name}`
        : `${storage}:${vmId}/${name}.qcow2`;
    this.cluster.store.state.volumes[volId] = {
      storage,
      format: type === "lvmthin" ? "raw" : "qcow2",
      size: 4 * 1024 ** 2,
      vmId,
      createdAt: Math.floor(Date.now() / 1000),
      snapshots: [],
    };
    return volId;
  }

  /**
   * Copies an image, or makes one that stands on it.
   *
   * @param storage of the copy; a linked one stays where its base is.
   */
  async copy(
    source: string,
    vmId: number,
    storage: string,
    linked: boolean,
  ): Promise<string> {
    const from = this.find(source);
    if (from === undefined) {
      throw failure(`volume '${source}' does not exist`);
    }
    return this.add(
      storage,
      vmId,
      from.size,
      from.format,
      (name) => this.cluster.guests.copyDisk(vmId, name, from.data, linked),
      linked ? source : undefined,
    );
  }

  /** Makes an image of a file's content. */
  async importFile(
    file: string,
    vmId: number,
    storage: string,
    format?: VolumeState["format"],
  ): Promise<string> {
    const bytes =
      (await this.cluster.guests.imageSize(file)) ?? fs.statSync(file).size;
    return this.add(storage, vmId, bytes, format, (name) =>
      this.cluster.guests.copyDisk(vmId, name, file, false),
    );
  }

  /** Gives a volume another id. */
  rename(from: string, to: string): void {
    const { volumes } = this.cluster.store.state;
    const volume = this.find(from);
    if (volume !== undefined) {
      delete volumes[from];
      volumes[to] = volume;
    }
  }

  /** @throws ApiError when a linked clone stands on it. */
  async free(volId: string): Promise<void> {
    const volume = this.find(volId);
    if (volume === undefined) {
      return;
    }
    const { volumes } = this.cluster.store.state;
    const clone = Object.entries(volumes).find(
      ([, { parent }]) => parent === volId,
    );
    if (clone !== undefined) {
      throw failure(
        `base volume '${volId}' is still in use by linked cloned '${clone[0]}'`,
      );
    }
    await this.cluster.guests.deleteDisk(volume.data);
    delete volumes[volId];
  }

  /** Volume ids of the images that a machine owns. */
  ownedBy(vmId: number): string[] {
    return Object.entries(this.cluster.store.state.volumes)
      .filter(([, volume]) => volume.vmId === vmId)
      .map(([volId]) => volId);
  }

  /** @throws ApiError when the storage takes no disk images. */
  checkImages(storage: string): StorageState {
    const found = this.cluster.store.storage(storage);
    if (!found.content.includes("images")) {
      throw failure(
        `storage '${storage}' does not support content-type 'images'`,
      );
    }
    return found;
  }

  private async add(
    storage: string,
    vmId: number,
    bytes: number,
    format: VolumeState["format"] | undefined,
    make: (name: string) => Promise<string | undefined>,
    parent?: string,
  ): Promise<string> {
    const { type } = this.checkImages(storage);
    const kind = type === "lvmthin" ? "raw" : (format ?? "qcow2");
    const { volumes } = this.cluster.store.state;
    const volIdOf = (index: number) =>
      type === "lvmthin"
        ? `${storage}:vm-${vmId}-disk-${index}`
        : `${storage}:${parent === undefined ? "" : `${parent.slice(storage.length + 1)}/`}${vmId}/vm-${vmId}-disk-${index}.${kind}`;
    let index = 0;
    while (volumes[volIdOf(index)] !== undefined) {
      index += 1;
    }
    const volId = volIdOf(index);
    const volume: VolumeState = {
      storage,
      format: kind,
      size: bytes,
      vmId,
      createdAt: Math.floor(Date.now() / 1000),
      snapshots: [],
      ...(parent === undefined ? {} : { parent }),
    };
    // The name is taken before the data is there: another task must not take it too.
    volumes[volId] = volume;
    try {
      const data = await make(`vm-${vmId}-disk-${index}-${storage}`);
      if (data !== undefined) {
        volume.data = data;
      }
    } catch (error) {
      delete volumes[volId];
      throw error;
    }
    return volId;
  }
}
