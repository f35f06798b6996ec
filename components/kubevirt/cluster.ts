import { API_PORT } from "../core/kubevirt/kubeadm";
import { clonedDisks } from "../core/kubevirt/clonePlan";
import type { DiskSource, DiskSpec } from "../core/kubevirt/disks";
import { MACHINE_LABEL } from "../core/kubevirt/labels";
import { diskName, type ClusterMachine } from "../core/kubevirt/names";
import type { NetworkPlugin } from "../core/kubevirt/nodeBoot";
import { ROOT_VOLUME } from "../core/kubevirt/snapshots";
import { gibToBytes } from "../core/units";
import { DEFAULTS } from "./defaults";

/** The image of a bootstrap, once its values are known. */
export interface KnownImage {
  readonly containerDisk?: string | undefined;
  readonly url?: string | undefined;
  readonly pvc?: KnownRef | undefined;
  readonly dataSource?: KnownRef | undefined;
}

interface KnownRef {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** What was decided, as far as disks come from it. */
export interface DecidedSources {
  readonly decided: string;
  readonly snapshots: readonly {
    readonly role: string;
    /** The one machine that is cloned from it; undefined: all of the role that have none of their own. */
    readonly onlyFor?: string | undefined;
    readonly namespace: string;
    readonly disks: readonly {
      readonly volume: string;
      readonly volumeSnapshot: string;
      readonly sizeBytes: number;
    }[];
  }[];
}

/** The disks of one machine, whichever way it is made. */
export function disksOf(
  decision: DecidedSources,
  machine: ClusterMachine,
  wish: {
    readonly namespace: string;
    readonly generation: number;
    readonly diskSizeGib?: number | undefined;
    readonly storageClass?: string | undefined;
    readonly image: KnownImage | undefined;
  },
): DiskSpec[] {
  const { generation, diskSizeGib, storageClass } = wish;
  const snapshot = snapshotOf(decision, machine);
  if (decision.decided === "snapshot") {
    if (snapshot === undefined) {
      throw new Error(
        `the cluster was made without a snapshot for a ${machine.role}; a changed generation decides anew`,
      );
    }
    return clonedDisks(snapshot, {
      machineName: machine.name,
      generation,
      rootBytes:
        diskSizeGib === undefined ? undefined : gibToBytes(diskSizeGib),
      storageClass,
    });
  }
  return [
    {
      name: diskName(machine.name, ROOT_VOLUME, generation),
      volume: ROOT_VOLUME,
      source: imageSource(wish.image, wish.namespace),
      sizeBytes: gibToBytes(diskSizeGib ?? DEFAULTS.diskSizeGib),
      storageClass,
    },
  ];
}

function snapshotOf(
  { snapshots }: DecidedSources,
  { name, role }: ClusterMachine,
) {
  return (
    snapshots.find(({ onlyFor }) => onlyFor === name) ??
    snapshots.find((one) => one.role === role && one.onlyFor === undefined)
  );
}

function imageSource(
  image: KnownImage | undefined,
  namespace: string,
): DiskSource {
  const { containerDisk, url, pvc, dataSource } = image ?? {};
  if (containerDisk !== undefined) {
    return { kind: "registry", url: `docker://${containerDisk}` };
  }
  if (url !== undefined) {
    return { kind: "http", url };
  }
  if (pvc !== undefined) {
    return { kind: "pvc", namespace, ...pvc };
  }
  if (dataSource !== undefined) {
    return { kind: "dataSource", namespace, ...dataSource };
  }
  throw new Error("there is no image to bootstrap from");
}

/** Where the permission to clone has to be, and for what. */
export function cloneScope(
  decision: DecidedSources,
  ownNamespace: string,
): { readonly namespace: string; readonly volumeSnapshots: string[] } {
  return {
    // A bootstrap clones nothing; the same objects are then made where they grant nothing.
    namespace: decision.snapshots[0]?.namespace ?? ownNamespace,
    volumeSnapshots: decision.snapshots.flatMap(({ disks }) =>
      disks.map(({ volumeSnapshot }) => volumeSnapshot),
    ),
  };
}

/** The Service by which the other nodes reach a machine, under the name of its node. */
export function serviceSpec(machine: ClusterMachine): Record<string, unknown> {
  const port = (name: string, number: number, protocol: string) => ({
    name,
    port: number,
    targetPort: number,
    protocol,
  });
  return {
    selector: { [MACHINE_LABEL]: machine.name },
    // Nodes talk to each other long before their machines count as ready.
    publishNotReadyAddresses: true,
    ports: [
      ...(machine.role === "control-plane"
        ? [port("api", API_PORT, "TCP")]
        : []),
      port("kubelet", 10250, "TCP"),
      port("ssh", 22, "TCP"),
      port("vxlan", 8472, "UDP"),
    ],
  };
}

/** The network plugin that is applied to a cluster that is bootstrapped. */
export function networkPlugin(
  cni: string | undefined,
  manifest: string | undefined,
): NetworkPlugin | undefined {
  switch (cni ?? "flannel") {
    case "flannel":
      return { manifest: manifest ?? DEFAULTS.flannel, isFlannel: true };
    case "manifest":
      return { manifest: manifest ?? "", isFlannel: false };
    default:
      return undefined;
  }
}
