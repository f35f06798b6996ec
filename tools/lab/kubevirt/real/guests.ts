import * as fs from "node:fs";
import * as path from "node:path";

import { writeIso } from "../../seedIso";
import {
  becomes,
  catches,
  end,
  isRunning,
  type KnownProcess,
} from "../../processes";
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
import { guestImageOf } from "./images";
import { type NamedGuest, searchDomains, ServiceNames } from "./names";
import { guestView, PodNetwork } from "./podNetwork";
import { qemuCommand } from "./qemu";
import { agentAnswers, command } from "./qmp";

/** What is noted of a guest that was started. */
interface GuestNote extends NamedGuest {
  readonly mac: string;
  /** QEMU, and the DHCP and name server. */
  readonly processes: readonly [KnownProcess, KnownProcess];
}

/** Longest wait for a guest that was asked to shut down. */
const shutdownSeconds = 60;
/** Longest wait for a name server that was started. */
const nameServerSeconds = 10;

/** Instances as real guests: QEMU with the lab's Debian image, in a network like that of a pod. */
export class RealGuests implements Guests {
  private readonly disks: Disks;
  private readonly network: PodNetwork;
  private readonly names: ServiceNames;

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
    this.names = new ServiceNames(folder, api);
  }

  async run(instance: Instance): Promise<GuestView> {
    const note = readNote(this.home(instance)) ?? (await this.start(instance));
    const { address, mac, namespace, processes } = note;
    if (!processes.every(isRunning)) {
      // The next instance needs the disk.
      await killAll(processes);
      return "ended";
    }
    await this.tellNames(namespace);
    const hasAgent = await agentAnswers(this.agentSocket(instance));
    return { address, mac, hasAgent };
  }

  async end(instance: Instance): Promise<void> {
    const home = this.home(instance);
    const note = readNote(home);
    const qemu = note?.processes[0];
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

  /** Has the guests of a namespace know each other by the names of their Services. */
  private async tellNames(namespace: string): Promise<void> {
    const notes = allNotes(this.folder).filter(
      (note) => note.namespace === namespace,
    );
    if (await this.names.write(namespace, notes)) {
      for (const { processes } of notes) {
        // One that is just being started has no handler yet, and would end.
        const server = processes[1];
        const isReady = () => catches(server, "SIGHUP");
        await becomes(() => isReady() || !isRunning(server), nameServerSeconds);
        if (isReady()) {
          process.kill(server.pid, "SIGHUP");
        }
      }
    }
  }

  private async start(instance: Instance): Promise<GuestNote> {
    const { accelerator, image, boot } = guestImageOf(instance);
    const home = this.home(instance);
    fs.mkdirSync(home, { recursive: true, mode: 0o700 });
    const { uid = "", namespace = "", labels = {} } = instance.metadata;
    const disk = await this.disk(instance, image);
    const cloudInitDisk = await this.cloudInitDisk(instance);
    const view = guestView(instance.spec.networks?.[0]?.pod?.vmNetworkCIDR);
    const pod = await this.network.make(uid, view);
    const mac = macOf(instance);
    const qemu = qemuCommand({
      accelerator,
      ...sizeOf(instance),
      uuid: instance.spec.domain.firmware?.uuid,
      mac,
      disk,
      cloudInitDisk,
      boot,
      controlSocket: controlSocket(home),
      agentSocket: this.agentSocket(instance),
      console: path.join(home, "console.log"),
    });
    const inPod = (args: readonly string[]) => ({
      command: "ip",
      args: ["netns", "exec", pod.namespace, ...args],
    });
    const name = `${namespace}-${instance.metadata.name}`;
    const server = await startProcess(
      this.folder,
      `${name}-dhcp`,
      inPod(
        this.network.serverCommand(
          view,
          searchDomains(namespace),
          this.names.file(namespace),
        ),
      ),
      this.isBound,
    );
    const machine = await startProcess(
      this.folder,
      `${name}-qemu`,
      inPod(qemu),
      this.isBound,
    ).catch(async (error: unknown) => {
      await end(server, 10);
      throw error;
    });
    const note: GuestNote = {
      ...{ namespace, labels, address: pod.address, mac },
      processes: [machine, server],
    };
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
  if (!fs.existsSync(guestsFolder(folder))) {
    return;
  }
  await killAll(allNotes(folder).flatMap(({ processes }) => processes));
  await new PodNetwork(folder).removeAll();
}

function allNotes(folder: string): GuestNote[] {
  const guests = guestsFolder(folder);
  return fs.existsSync(guests)
    ? fs
        .readdirSync(guests)
        .map((uid) => readNote(path.join(guests, uid)))
        .filter((note) => note !== undefined)
    : [];
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
