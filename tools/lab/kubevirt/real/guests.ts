import * as fs from "node:fs";
import * as path from "node:path";

import { writeIso } from "../../seedIso";
import { becomes, end, isRunning, type KnownProcess } from "../../processes";
import { readLab } from "../../state";
import type { KubeApi } from "../api/client";
import { collection } from "../api/paths";
import { type Guests, macOf, type GuestView } from "../handler/guests";
import type { Instance } from "../handler/types";
import { snapshotHandleAnnotation } from "../objects";
import { killAll, startProcess } from "../processes";
import { bytesOf } from "../storage/quantity";
import type { Volume, VolumeClaim } from "../storage/types";
import { cloudInitOf } from "./cloudInit";
import { Disks } from "./disks";
import { PodNetwork } from "./podNetwork";
import { qemuCommand } from "./qemu";
import { agentAnswers, command } from "./qmp";

/** What is noted of a guest that was started. */
interface GuestNote {
  readonly address: string;
  readonly mac: string;
  readonly processes: readonly KnownProcess[];
}

/** Longest wait for a guest that was asked to shut down. */
const shutdownSeconds = 60;

/** Instances as real guests: QEMU with the lab's Debian image, in a network like that of a pod. */
export class RealGuests implements Guests {
  private readonly disks: Disks;
  private readonly network: PodNetwork;

  /**
   * @param folder the lab's.
   * @param api as a user who may read secrets and volumes.
   * @param isBound ends the guests with this process.
   */
  constructor(
    private readonly folder: string,
    private readonly api: KubeApi,
    private readonly isBound: boolean,
  ) {
    this.disks = new Disks(folder);
    this.network = new PodNetwork(folder);
  }

  async run(instance: Instance): Promise<GuestView> {
    const note = readNote(this.home(instance)) ?? (await this.start(instance));
    const { address, mac, processes } = note;
    if (!processes.every(isRunning)) {
      return "ended";
    }
    const hasAgent = await agentAnswers(this.agentSocket(instance));
    return { address, mac, hasAgent };
  }

  async end(instance: Instance): Promise<void> {
    const home = this.home(instance);
    const note = readNote(home);
    const [qemu] = note?.processes ?? [];
    const uid = instance.metadata.uid ?? "";
    if (note !== undefined && qemu !== undefined) {
      const asked = await command(controlSocket(home), {
        execute: "system_powerdown",
      }).catch(() => false);
      const patience = Math.min(
        instance.spec.terminationGracePeriodSeconds ?? 30,
        shutdownSeconds,
      );
      if (asked) {
        await becomes(() => !isRunning(qemu), patience);
      }
      await Promise.all(note.processes.map((known) => end(known, 10)));
    }
    if (fs.existsSync(home)) {
      await this.network.remove(uid);
      fs.rmSync(home, { recursive: true, force: true });
    }
  }

  private home({ metadata }: Instance): string {
    return path.join(guestsFolder(this.folder), metadata.uid ?? "");
  }

  private agentSocket(instance: Instance): string {
    return path.join(this.home(instance), "agent");
  }

  private async start(instance: Instance): Promise<GuestNote> {
    const lab = readLab();
    if (lab === undefined || process.getuid?.() !== 0) {
      throw new Error(
        "Real guests need the lab for libvirt, for its image, and root: npm run lab -- up libvirt",
      );
    }
    const home = this.home(instance);
    fs.mkdirSync(home, { recursive: true, mode: 0o700 });
    const { uid = "" } = instance.metadata;
    const disk = await this.disk(instance, lab.imageFile);
    const cloudInitDisk = await this.cloudInitDisk(instance);
    const { namespace, address } = await this.network.make(uid);
    const mac = macOf(instance);
    const qemu = qemuCommand({
      accelerator: lab.accelerator,
      ...sizeOf(instance),
      uuid: instance.spec.domain.firmware?.uuid,
      mac,
      disk,
      cloudInitDisk,
      boot: {
        kernel: lab.directBoot.kernel,
        initrd: lab.directBoot.initrd,
        arguments: lab.directBoot.arguments,
      },
      controlSocket: controlSocket(home),
      agentSocket: this.agentSocket(instance),
      console: path.join(home, "console.log"),
    });
    const inPod = (args: readonly string[]) => ({
      command: "ip",
      args: ["netns", "exec", namespace, ...args],
    });
    const name = `${instance.metadata.namespace}-${instance.metadata.name}`;
    const dhcp = await startProcess(
      this.folder,
      `${name}-dhcp`,
      inPod(this.network.dhcpCommand()),
      this.isBound,
    );
    const machine = await startProcess(
      this.folder,
      `${name}-qemu`,
      inPod(qemu),
      this.isBound,
    );
    const note: GuestNote = { address, mac, processes: [machine, dhcp] };
    fs.writeFileSync(path.join(home, "guest.json"), JSON.stringify(note));
    return note;
  }

  /** The file behind the instance's first volume that has one. */
  private async disk(instance: Instance, image: string): Promise<string> {
    const { namespace = "" } = instance.metadata;
    const claimName = (instance.spec.volumes ?? [])
      .map(
        ({ dataVolume, persistentVolumeClaim }) =>
          dataVolume?.name ?? persistentVolumeClaim?.claimName,
      )
      .find((one) => one !== undefined);
    if (claimName === undefined) {
      throw new Error("A real guest needs a volume of a DataVolume or a claim");
    }
    const claim = await this.api.get<VolumeClaim>(
      `${collection("v1", "persistentvolumeclaims", namespace)}/${claimName}`,
    );
    const volume = await this.api.get<
      Volume & { spec: { capacity?: { storage?: string } } }
    >(`${collection("v1", "persistentvolumes")}/${claim.spec.volumeName}`);
    const { name, annotations } = volume.metadata;
    const file = await this.disks.ensure(
      {
        volume: name,
        snapshot: annotations?.[snapshotHandleAnnotation],
        bytes: bytesOf(volume.spec.capacity?.storage) ?? 0,
      },
      image,
    );
    // The storage takes live snapshots by it.
    const link = this.disks.controlSocket(name);
    fs.rmSync(link, { force: true });
    fs.symlinkSync(controlSocket(this.home(instance)), link);
    return file;
  }

  private async cloudInitDisk(instance: Instance): Promise<string | undefined> {
    const files = await cloudInitOf(this.api, instance);
    if (files === undefined) {
      return undefined;
    }
    const target = path.join(this.home(instance), "cloud-init.iso");
    await writeIso({ ...files, vendorData: "" }, target);
    return target;
  }
}

/** Ends all guests of a lab at once, and removes their networks. */
export async function removeGuests(folder: string): Promise<void> {
  const guests = guestsFolder(folder);
  if (!fs.existsSync(guests)) {
    return;
  }
  const notes = fs
    .readdirSync(guests)
    .map((uid) => readNote(path.join(guests, uid)));
  await killAll(notes.flatMap((note) => note?.processes ?? []));
  await new PodNetwork(folder).removeAll();
}

function guestsFolder(folder: string): string {
  return path.join(folder, "guests");
}

function controlSocket(home: string): string {
  return path.join(home, "qmp");
}

function readNote(home: string): GuestNote | undefined {
  try {
    const text = fs.readFileSync(path.join(home, "guest.json"), "utf8");
    return JSON.parse(text) as GuestNote;
  } catch {
    return undefined;
  }
}

function sizeOf({ spec }: Instance): { memoryMib: number; cpus: number } {
  const { cpu, memory, resources } = spec.domain;
  const bytes =
    bytesOf(memory?.guest) ?? bytesOf(resources?.requests?.memory) ?? 2 ** 29;
  return {
    memoryMib: Math.round(bytes / 2 ** 20),
    cpus: (cpu?.cores ?? 1) * (cpu?.sockets ?? 1),
  };
}
