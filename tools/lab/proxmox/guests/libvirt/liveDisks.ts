import { virsh } from "../../../daemons";
import type { GuestDisk } from "../backend";

/** A block device of a running QEMU, as far as it is asked here. */
interface BlockDevice {
  readonly inserted?: { readonly file: string; readonly "node-name": string };
}

/** Snapshots of disks that a running guest uses: inside the images, as Proxmox makes them. */
export class LiveDisks {
  /** @param agent runs a command of the guest's agent. */
  constructor(
    private readonly domain: string,
    private readonly agent: (command: string) => Promise<unknown>,
  ) {}

  async snapshot(name: string, disks: readonly GuestDisk[]): Promise<void> {
    const frozen = await this.freeze();
    try {
      for (const device of await this.nodesOf(disks)) {
        await this.monitor("blockdev-snapshot-internal-sync", { device, name });
      }
    } finally {
      if (frozen) {
        await this.agent("fsfreeze-thaw");
      }
    }
  }

  async deleteSnapshot(
    name: string,
    disks: readonly GuestDisk[],
  ): Promise<void> {
    for (const device of await this.nodesOf(disks)) {
      await this.monitor("blockdev-snapshot-delete-internal-sync", {
        device,
        name,
      });
    }
  }

  /** The guest writes out its files, so that the snapshot is whole; without an agent it is not. */
  private async freeze(): Promise<boolean> {
    try {
      await this.agent("fsfreeze-freeze");
      return true;
    } catch {
      return false;
    }
  }

  private async nodesOf(disks: readonly GuestDisk[]): Promise<string[]> {
    const devices = (await this.monitor("query-block", {})) as BlockDevice[];
    return disks.map(({ file, key }) => {
      const found = devices.find(({ inserted }) => inserted?.file === file);
      if (found?.inserted === undefined) {
        throw new Error(`QEMU of ${this.domain} does not use ${key} (${file})`);
      }
      return found.inserted["node-name"];
    });
  }

  private async monitor(
    execute: string,
    args: Readonly<Record<string, string>>,
  ): Promise<unknown> {
    const text = await virsh([
      "qemu-monitor-command",
      this.domain,
      JSON.stringify({ execute, arguments: args }),
    ]);
    const answer = JSON.parse(text) as {
      return?: unknown;
      error?: { desc: string };
    };
    if (answer.error !== undefined) {
      throw new Error(answer.error.desc);
    }
    return answer.return;
  }
}
