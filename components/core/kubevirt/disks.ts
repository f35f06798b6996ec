import { field } from "../argumentRules";
import { isText } from "../later";
import { bytesQuantity, parseQuantity } from "./quantity";

/** What a disk is made from: exactly one. */
export type DiskSource =
  | {
      readonly kind: "snapshot";
      readonly namespace: string;
      readonly name: string;
    }
  | { readonly kind: "registry"; readonly url: string }
  | { readonly kind: "http"; readonly url: string }
  | { readonly kind: "pvc"; readonly namespace: string; readonly name: string }
  | {
      readonly kind: "dataSource";
      readonly namespace: string;
      readonly name: string;
    };

/** A disk of a machine. */
export interface DiskSpec {
  /** Name of the DataVolume, and of its claim. */
  readonly name: string;
  /** Name of the volume in the machine. */
  readonly volume: string;
  readonly source: DiskSource;
  readonly sizeBytes: number;
  /** Default: the cluster's default class. */
  readonly storageClass?: string | undefined;
}

/** A DataVolume's spec (https://kubevirt.io/user-guide/storage/disks_and_volumes/#datavolume). */
export function dataVolumeSpec(disk: DiskSpec): Record<string, unknown> {
  return {
    ...sourceOf(disk.source),
    storage: {
      resources: { requests: { storage: bytesQuantity(disk.sizeBytes) } },
      ...(disk.storageClass === undefined
        ? {}
        : { storageClassName: disk.storageClass }),
    },
  };
}

function sourceOf(source: DiskSource): Record<string, unknown> {
  switch (source.kind) {
    case "snapshot":
    case "pvc": {
      const { kind, namespace, name } = source;
      return { source: { [kind]: { namespace, name } } };
    }
    case "registry":
    case "http":
      return { source: { [source.kind]: { url: source.url } } };
    case "dataSource": {
      const { namespace, name } = source;
      return { sourceRef: { kind: "DataSource", namespace, name } };
    }
  }
}

/** How far a disk has come. */
export interface DiskProgress {
  /**
   * `come`: the data is there. `accepted`: it comes as soon as the machine runs, which is all that can
   * be had of storage that binds to its first consumer. `failed`: it will not come by itself.
   */
  readonly state: "come" | "accepted" | "waiting" | "failed";
  /** For messages, for example `phase CloneInProgress 40%`. */
  readonly why: string;
}

const ACCEPTED = ["WaitForFirstConsumer", "PendingPopulation"];

/** Judges a DataVolume. */
export function diskProgress(dataVolume: unknown): DiskProgress {
  const phase = text(field(dataVolume, "status", "phase"));
  const progress = text(field(dataVolume, "status", "progress"));
  const conditions = field(dataVolume, "status", "conditions");
  const said = (Array.isArray(conditions) ? conditions : [])
    .filter((condition) => field(condition, "status") !== "True")
    .map((condition) => text(field(condition, "message")))
    .find((message) => message !== "");
  const why = [
    phase === "" ? "nothing has worked on it" : `phase ${phase}`,
    /^\d/.test(progress) ? progress : "",
    said === undefined ? "" : `(${said})`,
  ]
    .filter((part) => part !== "")
    .join(" ");
  if (phase === "Succeeded") {
    return { state: "come", why };
  }
  if (ACCEPTED.includes(phase)) {
    return { state: "accepted", why };
  }
  return { state: phase === "Failed" ? "failed" : "waiting", why };
}

/**
 * The size of a disk that is cloned: as asked, else as it was.
 *
 * @throws Error when less is asked for than the snapshot holds.
 */
export function clonedSize(
  what: string,
  snapshotBytes: number,
  askedBytes: number | undefined,
): number {
  if (askedBytes !== undefined && askedBytes < snapshotBytes) {
    throw new Error(
      `${what} is ${bytesQuantity(askedBytes)}, must be at least the ${bytesQuantity(snapshotBytes)} of the snapshot's disk: a clone can only be larger`,
    );
  }
  return askedBytes ?? snapshotBytes;
}

/** The restore size of a VolumeSnapshot in bytes; 0 when it does not say it. */
export function restoreSize(volumeSnapshot: unknown): number {
  return (
    parseQuantity(text(field(volumeSnapshot, "status", "restoreSize"))) ?? 0
  );
}

function text(value: unknown): string {
  return isText(value) ? value : "";
}
