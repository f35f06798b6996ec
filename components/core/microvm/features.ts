import type { Fault } from "../faults";
import type { Acceleration, HypervisorKind } from "./plan";
import { isAtLeast } from "./versions";

/** What a hypervisor can do for a machine. */
export interface HypervisorFeatures {
  /** Its name, for people. */
  readonly title: string;
  /** Its program, as it is looked for on the host. */
  readonly program: string;
  readonly oldestVersion: string;
  /** Whether it can do without the processor's virtualization. */
  readonly emulates: boolean;
  /** Whether an interface has queues for each processor. */
  readonly hasQueues: boolean;
  readonly mostVcpus: number;
  /** Disks, interfaces, shared folders, vsock and random numbers together. */
  readonly mostDevices: number;
  /** Whether it has shared folders (virtio-fs). */
  readonly shares: boolean;
}

export const hypervisorFeatures: Record<HypervisorKind, HypervisorFeatures> = {
  cloudHypervisor: {
    title: "cloud-hypervisor",
    program: "cloud-hypervisor",
    oldestVersion: "26",
    emulates: false,
    hasQueues: true,
    mostVcpus: 254,
    mostDevices: 30,
    shares: true,
  },
  firecracker: {
    title: "Firecracker",
    program: "firecracker",
    oldestVersion: "1.0",
    emulates: false,
    hasQueues: false,
    mostVcpus: 32,
    mostDevices: 11,
    shares: false,
  },
  qemu: {
    title: "QEMU's machine type microvm",
    program: "qemu-system-x86_64",
    oldestVersion: "5.2",
    emulates: true,
    hasQueues: false,
    mostVcpus: 255,
    // The virtio-mmio slots of the machine type.
    mostDevices: 8,
    shares: true,
  },
};

/** What is asked of a hypervisor, as far as it is known. */
export interface AskedFeatures {
  readonly hypervisor: HypervisorKind;
  readonly acceleration?: Acceleration | undefined;
  readonly vcpus?: number | undefined;
  readonly disks: number;
  readonly interfaces: number;
  readonly hasVsock: boolean;
  readonly sharedFolders: number;
}

/** What the hypervisor cannot do. */
export function featureFaults(asked: AskedFeatures): Fault[] {
  const { title, emulates, mostVcpus, mostDevices, shares } =
    hypervisorFeatures[asked.hypervisor];
  const faults: Fault[] = [];
  if (asked.acceleration === "tcg" && !emulates) {
    faults.push({
      path: "hypervisor",
      problem: `is "${asked.hypervisor}" on a host that only emulates (accelerator tcg), must be "qemu" there: ${title} needs /dev/kvm`,
    });
  }
  if (asked.vcpus !== undefined && asked.vcpus > mostVcpus) {
    faults.push({
      path: "vcpus",
      problem: `is ${asked.vcpus}, must be at most ${mostVcpus} for ${title}`,
    });
  }
  if (asked.sharedFolders > 0 && !shares) {
    faults.push({
      path: "sharedFolders",
      problem: `is given for ${title}, which has none; must be left out, or hypervisor must be "cloudHypervisor" or "qemu"`,
    });
  }
  const devices =
    asked.disks +
    asked.interfaces +
    asked.sharedFolders +
    (asked.hasVsock ? 1 : 0) +
    RANDOM_DEVICE;
  if (devices > mostDevices) {
    faults.push({
      path: "volumes",
      problem: `make ${devices} devices with the interfaces, shared folders, vsock and the source of random numbers, must be at most ${mostDevices} for ${title}`,
    });
  }
  return faults;
}

const RANDOM_DEVICE = 1;

/** Whether the version on the host is one that Corral knows how to speak to; undefined: it is. */
export function versionProblem(
  kind: HypervisorKind,
  version: string,
): string | undefined {
  const { title, oldestVersion } = hypervisorFeatures[kind];
  return isAtLeast(version, oldestVersion)
    ? undefined
    : `${title} is version ${version} there, must be at least ${oldestVersion}`;
}
