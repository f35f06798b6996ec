import type { KubeApi } from "../api/client";
import { collection, pathOf } from "../api/paths";
import { ensureObject } from "../startup";
import {
  cloneSourceAnnotation,
  csiDriver,
  snapshotHandleAnnotation,
  storageClass,
} from "../objects";
import type { Disks } from "../real/disks";
import { bytesOf } from "./quantity";
import type {
  SnapshotContent,
  Volume,
  VolumeClaim,
  VolumeSnapshot,
} from "./types";

const snapshotApi = "snapshot.storage.k8s.io/v1";

/** Time until a snapshot has a point in time, and until one can use it. */
const snapshotMs = { taken: 300, ready: 1000 };

/** How often an object that waits for another one looks for it. */
const waitMs = 500;

/** What the CSI driver's provisioner does: a volume for each claim of the lab's class. */
export async function provision(
  api: KubeApi,
  claim: VolumeClaim,
): Promise<number | undefined> {
  const { spec, metadata } = claim;
  if (
    spec.storageClassName !== storageClass ||
    spec.volumeName !== undefined ||
    metadata.deletionTimestamp !== undefined
  ) {
    return undefined;
  }
  const source = sourceOf(claim);
  if (source === undefined) {
    await ensureObject(api, volumeFor(claim, undefined));
    return undefined;
  }
  const handle = await handleOf(api, source);
  if (handle === undefined) {
    return waitMs;
  }
  await ensureObject(api, volumeFor(claim, handle));
  return undefined;
}

/** The snapshot that a claim is made from, by the claim itself or by CDI. */
function sourceOf({
  metadata,
  spec,
}: VolumeClaim): { namespace: string; name: string } | undefined {
  const [namespace, name] =
    metadata.annotations?.[cloneSourceAnnotation]?.split("/") ?? [];
  if (namespace !== undefined && name !== undefined) {
    return { namespace, name };
  }
  const source = spec.dataSourceRef ?? spec.dataSource;
  return source?.kind === "VolumeSnapshot"
    ? { namespace: metadata.namespace ?? "", name: source.name }
    : undefined;
}

/** The driver's name of a snapshot; undefined until it can be used. */
async function handleOf(
  api: KubeApi,
  { namespace, name }: { namespace: string; name: string },
): Promise<string | undefined> {
  const snapshot = await api.find<VolumeSnapshot>(
    `${collection(snapshotApi, "volumesnapshots", namespace)}/${name}`,
  );
  const content = snapshot?.status?.boundVolumeSnapshotContentName;
  if (snapshot?.status?.readyToUse !== true || content === undefined) {
    return undefined;
  }
  const found = await api.find<SnapshotContent>(
    `${collection(snapshotApi, "volumesnapshotcontents")}/${content}`,
  );
  return found?.status?.snapshotHandle;
}

function volumeFor(
  { metadata, spec }: VolumeClaim,
  snapshotHandle: string | undefined,
) {
  const name = `pvc-${metadata.uid}`;
  return {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: {
      name,
      annotations: {
        "pv.kubernetes.io/provisioned-by": csiDriver,
        ...(snapshotHandle === undefined
          ? {}
          : { [snapshotHandleAnnotation]: snapshotHandle }),
      },
    },
    spec: {
      storageClassName: storageClass,
      persistentVolumeReclaimPolicy: "Delete",
      accessModes: spec.accessModes ?? ["ReadWriteOnce"],
      volumeMode: spec.volumeMode ?? "Filesystem",
      capacity: { storage: spec.resources?.requests?.storage ?? "1Gi" },
      csi: { driver: csiDriver, volumeHandle: name },
      claimRef: {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        namespace: metadata.namespace,
        name: metadata.name,
        uid: metadata.uid,
      },
    },
  };
}

/** Deletes a volume whose claim is gone. */
export async function reclaim(
  api: KubeApi,
  disks: Disks,
  volume: Volume,
): Promise<undefined> {
  if (
    volume.spec.csi?.driver === csiDriver &&
    volume.status?.phase === "Released" &&
    volume.metadata.deletionTimestamp === undefined
  ) {
    await api.delete(
      `${collection("v1", "persistentvolumes")}/${volume.metadata.name}`,
    );
    disks.remove(volume.metadata.name);
  }
  return undefined;
}

const boundProtection =
  "snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection";
const beingDeleted =
  "snapshot.storage.kubernetes.io/volumesnapshot-being-deleted";

/** What the driver's snapshotter does: takes the snapshot, then says that it can be used. */
export async function takeSnapshot(
  api: KubeApi,
  disks: Disks,
  content: SnapshotContent,
): Promise<number | undefined> {
  const { metadata, spec, status } = content;
  if (
    spec.driver !== csiDriver ||
    (status?.readyToUse === true && metadata.deletionTimestamp === undefined)
  ) {
    return undefined;
  }
  const path = pathOf({
    ...content,
    apiVersion: "snapshot.storage.k8s.io/v1",
    kind: "VolumeSnapshotContent",
  });
  if (metadata.deletionTimestamp !== undefined) {
    if (
      metadata.annotations?.[beingDeleted] !== undefined ||
      spec.source.snapshotHandle !== undefined
    ) {
      await api.patch(path, {
        metadata: {
          finalizers: (metadata.finalizers ?? []).filter(
            (name) => name !== boundProtection,
          ),
        },
      });
    }
    return undefined;
  }
  const age = Date.now() - Date.parse(metadata.creationTimestamp ?? "");
  if (age < snapshotMs.taken) {
    return snapshotMs.taken - age;
  }
  const isReady =
    status?.snapshotHandle !== undefined && age >= snapshotMs.ready;
  const handle = spec.source.snapshotHandle ?? `snapshot-${metadata.uid}`;
  if (status?.snapshotHandle === undefined && spec.source.volumeHandle) {
    await disks.snapshot(spec.source.volumeHandle, handle);
  }
  await api.patch(`${path}/status`, {
    status: {
      snapshotHandle: handle,
      creationTime: Date.parse(metadata.creationTimestamp ?? "") * 1e6,
      restoreSize: await sizeOf(api, spec.source.volumeHandle),
      readyToUse: isReady,
    },
  });
  return isReady ? undefined : snapshotMs.ready;
}

async function sizeOf(
  api: KubeApi,
  handle: string | undefined,
): Promise<number> {
  const volumes = await api.list<
    Volume & { spec: { capacity?: { storage?: string } } }
  >(collection("v1", "persistentvolumes"));
  const volume = volumes.find(({ metadata }) => metadata.name === handle);
  return bytesOf(volume?.spec.capacity?.storage) ?? 2 ** 30;
}
