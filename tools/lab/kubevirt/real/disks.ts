import * as fs from "node:fs";
import * as path from "node:path";

import { createOverlay, imageChain, resizeImage } from "../../qemuImages";
import { command } from "./qmp";

/** The volume that a disk is on: a PersistentVolume. */
export interface DiskWish {
  readonly volume: string;
  /** Handle of the snapshot that it was made from; undefined: from the lab's image. */
  readonly snapshot: string | undefined;
  readonly bytes: number;
}

/**
 * Data of the volumes that real guests use. A disk is a chain of qcow2 files: a snapshot closes the
 * last one and begins another, so that nothing is copied. Volumes of simulated guests have no files.
 */
export class Disks {
  private readonly root: string;

  /** @param folder the lab's; with it everything here goes. */
  constructor(folder: string) {
    this.root = path.join(folder, "disks");
  }

  /** The file that a volume's guest writes, made if need be. */
  async ensure(wish: DiskWish, image: string): Promise<string> {
    const known = this.current(wish.volume);
    if (known !== undefined) {
      return known;
    }
    const base =
      wish.snapshot === undefined ? image : this.snapshotFile(wish.snapshot);
    if (!fs.existsSync(base)) {
      throw new Error(
        `The snapshot ${wish.snapshot} holds no data: its machine was a simulated guest`,
      );
    }
    const file = this.file(wish.volume, 0);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    await createOverlay(file, base);
    const [own] = await imageChain(file);
    if (own !== undefined && own["virtual-size"] < wish.bytes) {
      await resizeImage(file, wish.bytes);
    }
    return file;
  }

  /** Takes a snapshot of a volume; of one without data there is nothing to take. */
  async snapshot(volume: string, handle: string): Promise<void> {
    const file = this.current(volume);
    if (file === undefined || fs.existsSync(this.snapshotFile(handle))) {
      return;
    }
    fs.mkdirSync(path.dirname(this.snapshotFile(handle)), { recursive: true });
    // A second name: the data stay when the volume goes.
    fs.linkSync(file, this.snapshotFile(handle));
    const next = this.file(volume, this.count(volume));
    const isLive = await command(this.controlSocket(volume), {
      execute: "blockdev-snapshot-sync",
      arguments: { device: "root", "snapshot-file": next, format: "qcow2" },
    });
    if (!isLive) {
      await createOverlay(next, this.snapshotFile(handle));
    }
  }

  /** Removes a volume's files. Those of its snapshots stay until the lab ends. */
  remove(volume: string): void {
    fs.rmSync(path.join(this.root, volume), { recursive: true, force: true });
  }

  /** Where the QEMU that uses a volume is spoken to. */
  controlSocket(volume: string): string {
    return path.join(this.root, volume, "qmp");
  }

  private current(volume: string): string | undefined {
    const count = this.count(volume);
    return count === 0 ? undefined : this.file(volume, count - 1);
  }

  private count(volume: string): number {
    const folder = path.join(this.root, volume);
    return fs.existsSync(folder)
      ? fs.readdirSync(folder).filter((name) => name.endsWith(".qcow2")).length
      : 0;
  }

  private file(volume: string, number: number): string {
    return path.join(this.root, volume, `${number}.qcow2`);
  }

  private snapshotFile(handle: string): string {
    return path.join(this.root, "snapshots", `${handle}.qcow2`);
  }
}
