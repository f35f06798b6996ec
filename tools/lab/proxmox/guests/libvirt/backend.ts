import * as fs from "node:fs";
import * as path from "node:path";
import { messageOf } from "@corral-iac/corral/core/errors";
import { type SeedFiles, writeIso } from "../../../seedIso";
import { failure } from "../../http/apiError";
import type { MachineState } from "../../state/model";
import { virsh, virshList } from "../../../daemons";
import { poolFolder } from "../../../pool";
import type { LibvirtLab } from "../../../state";
import type {
  Device,
  GuestBackend,
  GuestDisk,
  GuestSpec,
  ShutdownWay,
} from "../backend";
import { askAgent } from "./agentChannel";
import { renderDevice, renderDomain } from "./domainXml";
import {
  copyImage,
  createEmpty,
  createOverlay,
  imageChain,
  resizeImage,
  snapshotImage,
  virtualSize,
} from "../../../qemuImages";
import { LiveDisks } from "./liveDisks";
import type { Names } from "./names";
import { Networks } from "./network";
import { ownerNote } from "./strays";

/** Machines as real guests: transient domains of the lab's libvirt daemon. */
export class LibvirtGuests implements GuestBackend {
  private readonly networks: Networks;

  private constructor(
    private readonly lab: LibvirtLab,
    private readonly names: Names,
    folder: string,
  ) {
    this.networks = new Networks(names, folder);
  }

  /**
   * @param bridges each with the CIDR of the network that stands for it.
   * @param folder for files that only libvirt's client reads.
   */
  static async make(
    lab: LibvirtLab,
    names: Names,
    bridges: Readonly<Record<string, string>>,
    folder: string,
  ): Promise<LibvirtGuests> {
    // As libvirt's own folder of images: others may go through, not look.
    fs.mkdirSync(names.folder, { recursive: true, mode: 0o711 });
    const guests = new LibvirtGuests(lab, names, folder);
    await guests.networks.make(bridges);
    return guests;
  }

  templateImage(): string {
    return path.join(poolFolder, this.lab.image);
  }

  async createDisk(
    _vmId: number,
    volume: string,
    bytes: number,
  ): Promise<string> {
    const file = this.names.disk(volume);
    await createEmpty(file, bytes);
    return file;
  }

  /** A full copy of the lab's image is an overlay too: nobody ever writes to it. */
  async copyDisk(
    _vmId: number,
    volume: string,
    source: string | undefined,
    linked: boolean,
  ): Promise<string> {
    const file = this.names.disk(volume);
    const from = source ?? this.templateImage();
    if (linked || from === this.templateImage()) {
      await createOverlay(file, from);
    } else {
      await copyImage(file, from);
    }
    return file;
  }

  imageSize(file: string): Promise<number | undefined> {
    return virtualSize(file);
  }

  async resizeDisk(
    machine: MachineState,
    key: string,
    data: string | undefined,
    bytes: number,
  ): Promise<void> {
    if (data === undefined) {
      return;
    }
    if (await this.isRunning(machine)) {
      const domain = this.names.domain(machine.vmId);
      await virsh(["blockresize", domain, data, `${bytes}B`]);
    } else {
      await resizeImage(data, bytes);
    }
  }

  deleteDisk(data: string | undefined): Promise<void> {
    if (data !== undefined && path.dirname(data) === this.names.folder) {
      fs.rmSync(data, { force: true });
    }
    return Promise.resolve();
  }

  async writeCloudInit(vmId: number, files: SeedFiles): Promise<string> {
    const target = this.names.cloudInit(vmId);
    await writeIso(files, target);
    return target;
  }

  async start(guest: GuestSpec): Promise<void> {
    const { machine } = guest;
    const bootsByImage = await this.standsOnImage(guest.disks[0]);
    const xml = renderDomain(guest, this.names, {
      accelerator: this.lab.accelerator,
      ...(bootsByImage ? { directBoot: this.lab.directBoot } : {}),
    });
    const file = path.join(this.names.folder, `vm-${machine.vmId}.xml`);
    fs.writeFileSync(file, xml);
    try {
      await virsh(["create", file], 60);
    } catch (error) {
      throw failure(`start failed: ${messageOf(error)}`);
    } finally {
      fs.rmSync(file);
    }
  }

  async replug(
    { vmId }: MachineState,
    from: Device | undefined,
    to: Device | undefined,
  ): Promise<void> {
    const changes = changesOf(from, to);
    for (const [verb, device] of changes) {
      const file = path.join(this.names.folder, `vm-${vmId}-device.xml`);
      fs.writeFileSync(file, renderDevice(device, this.names));
      try {
        await virsh([verb, this.names.domain(vmId), file, "--live"]);
      } finally {
        fs.rmSync(file);
      }
    }
  }

  async isRunning({ vmId }: Pick<MachineState, "vmId">): Promise<boolean> {
    const running = await virshList("list", "--name");
    return running.includes(this.names.domain(vmId));
  }

  async kill(machine: MachineState): Promise<void> {
    if (await this.isRunning(machine)) {
      await virsh(["destroy", this.names.domain(machine.vmId)]);
    }
  }

  async reset({ vmId }: MachineState): Promise<void> {
    await virsh(["reset", this.names.domain(vmId)]);
  }

  async requestShutdown(
    { vmId }: MachineState,
    way: ShutdownWay,
  ): Promise<void> {
    await virsh(["shutdown", this.names.domain(vmId), "--mode", way]);
  }

  agent(
    { vmId }: MachineState,
    command: string,
    args: Readonly<Record<string, unknown>> = {},
    timeoutSeconds = 10,
  ): Promise<unknown> {
    return askAgent(this.names.domain(vmId), command, args, timeoutSeconds);
  }

  async snapshot(
    machine: MachineState,
    name: string,
    disks: readonly GuestDisk[],
    withMemory: boolean,
  ): Promise<void> {
    if (withMemory) {
      throw failure("simulator: snapshots of real guests are without memory");
    }
    if (await this.isRunning(machine)) {
      await this.live(machine).snapshot(name, disks);
    } else {
      for (const { file } of disks) {
        await snapshotImage(file, "-c", name);
      }
    }
  }

  async rollback(
    _machine: MachineState,
    name: string,
    disks: readonly GuestDisk[],
  ): Promise<void> {
    for (const { file } of disks) {
      await snapshotImage(file, "-a", name);
    }
  }

  async deleteSnapshot(
    machine: MachineState,
    name: string,
    disks: readonly GuestDisk[],
  ): Promise<void> {
    if (await this.isRunning(machine)) {
      await this.live(machine).deleteSnapshot(name, disks);
    } else {
      for (const { file } of disks) {
        await snapshotImage(file, "-d", name);
      }
    }
  }

  /** What a machine's guest wrote on its serial console. */
  console(vmId: number): string {
    const file = this.names.console(vmId);
    return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
  }

  forget(vmId: number): Promise<void> {
    for (const file of [this.names.console(vmId), this.names.cloudInit(vmId)]) {
      fs.rmSync(file, { force: true });
    }
    return Promise.resolve();
  }

  async leftovers(vmIds: readonly number[]): Promise<string[]> {
    const domains = (await virshList("list", "--all", "--name")).filter(
      (name) =>
        this.names.owns(name) &&
        !vmIds.some((vmId) => name === this.names.domain(vmId)),
    );
    const files = fs
      .readdirSync(this.names.folder)
      .filter((file) => !vmIds.includes(Number(/^vm-(\d+)-/.exec(file)?.[1])))
      .filter((file) => file !== ownerNote);
    return [
      ...domains.map((name) => `domain ${name}`),
      ...files.map((file) => `file ${path.join(this.names.folder, file)}`),
    ];
  }

  async dispose(): Promise<void> {
    const running = await virshList("list", "--name");
    for (const name of running.filter((one) => this.names.owns(one))) {
      await virsh(["destroy", name]);
    }
    await this.networks.remove();
    fs.rmSync(this.names.folder, { recursive: true, force: true });
  }

  private live({ vmId }: MachineState): LiveDisks {
    const domain = this.names.domain(vmId);
    return new LiveDisks(domain, (command) =>
      askAgent(domain, command, {}, 10),
    );
  }

  /** Such a guest boots without a boot loader, which is quicker without KVM. */
  private async standsOnImage(disk: GuestDisk | undefined): Promise<boolean> {
    if (disk === undefined || disk.isCd) {
      return false;
    }
    const chain = await imageChain(disk.file);
    return chain.some(({ filename }) => filename === this.templateImage());
  }
}

/** The commands of virsh that lead from one device to the other. */
function changesOf(
  from: Device | undefined,
  to: Device | undefined,
): [verb: string, device: Device][] {
  if (from !== undefined && to !== undefined && isSameDevice(from, to)) {
    return to.kind === "network" ? [["update-device", to]] : [];
  }
  return [
    ...(from === undefined
      ? []
      : [["detach-device", from] as [string, Device]]),
    ...(to === undefined ? [] : [["attach-device", to] as [string, Device]]),
  ];
}

function isSameDevice(one: Device, other: Device): boolean {
  if (one.kind === "disk" && other.kind === "disk") {
    return one.disk.file === other.disk.file;
  }
  return (
    one.kind === "network" &&
    other.kind === "network" &&
    one.card.mac === other.card.mac &&
    one.card.model === other.card.model
  );
}
