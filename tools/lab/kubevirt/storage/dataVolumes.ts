import type { KubeApi } from "../api/client";
import { collection, pathOf } from "../api/paths";
import { ensureObject } from "../startup";
import { cloneSourceAnnotation, storageClass } from "../objects";
import { bytesOf } from "./quantity";
import type {
  DataSource,
  DataVolume,
  DataVolumeSource,
  VolumeClaim,
  VolumeSnapshot,
} from "./types";

const cdi = "cdi.kubevirt.io/v1beta1";
const snapshots = "snapshot.storage.k8s.io/v1";

/** How often a volume that waits looks again, and how long its data takes to come. */
const waitMs = 400;

/** Where data comes from, and why it does not come. */
interface Judgement {
  readonly phase: string;
  /** Undefined when the data can come. */
  readonly fault?: { readonly reason: string; readonly message: string };
  /** The snapshot that the data come from, as NAMESPACE/NAME. */
  readonly cloneSource?: string;
}

/** What CDI does with a DataVolume: a claim of the same name, phases, the data. */
export async function importData(
  api: KubeApi,
  volume: DataVolume,
): Promise<number | undefined> {
  const { metadata, status } = volume;
  if (
    metadata.deletionTimestamp !== undefined ||
    status?.phase === "Succeeded"
  ) {
    return undefined;
  }
  const judgement = await judge(api, volume);
  if (judgement.fault !== undefined) {
    await setStatus(api, volume, judgement.phase, judgement.fault);
    return 1000;
  }
  // A quota counts every attempt to make one, until it is counted anew.
  if ((await claimNow(api, volume)) === undefined) {
    await ensureObject(api, claimOf(volume, judgement.cloneSource));
  }
  const claim = await claimNow(api, volume);
  if (claim?.status?.phase !== "Bound") {
    await setStatus(api, volume, "Pending");
    return waitMs;
  }
  if (status?.phase !== judgement.phase) {
    await setStatus(api, volume, judgement.phase);
    return waitMs;
  }
  await setStatus(api, volume, "Succeeded");
  return undefined;
}

async function judge(api: KubeApi, volume: DataVolume): Promise<Judgement> {
  const source = await sourceOf(api, volume);
  if (source === undefined) {
    return {
      phase: "Pending",
      fault: {
        reason: "SourceNotFound",
        message: `DataSource ${volume.spec.sourceRef?.namespace ?? ""}/${volume.spec.sourceRef?.name ?? ""} not found`,
      },
    };
  }
  if (source.snapshot !== undefined) {
    return judgeSnapshot(api, volume, source.snapshot);
  }
  if (source.pvc !== undefined) {
    const found = await api.find(
      `${collection("v1", "persistentvolumeclaims", source.pvc.namespace)}/${source.pvc.name}`,
    );
    return found === undefined
      ? {
          phase: "Pending",
          fault: {
            reason: "CloneWithoutSource",
            message: `The source PVC ${source.pvc.name} doesn't exist`,
          },
        }
      : { phase: "CSICloneInProgress" };
  }
  const url = source.http?.url ?? source.registry?.url;
  // Names that cannot exist (RFC 2606) stand for images that are not there.
  return url !== undefined && /^[a-z]+:\/\/[^/:]*\.invalid([:/]|$)/.test(url)
    ? {
        phase: "ImportInProgress",
        fault: {
          reason: "Error",
          message: `Unable to connect to http data source: Get "${url}": no such host`,
        },
      }
    : { phase: url === undefined ? "Pending" : "ImportInProgress" };
}

async function judgeSnapshot(
  api: KubeApi,
  volume: DataVolume,
  { namespace, name }: { namespace: string; name: string },
): Promise<Judgement> {
  const phase = "CloneScheduled";
  const snapshot = await api.find<VolumeSnapshot>(
    `${collection(snapshots, "volumesnapshots", namespace)}/${name}`,
  );
  if (snapshot?.status?.readyToUse !== true) {
    return {
      phase,
      fault: {
        reason: "CloneWithoutSource",
        message:
          snapshot === undefined
            ? `The source snapshot ${name} doesn't exist`
            : `The source snapshot ${name} is not ready to use`,
      },
    };
  }
  const wanted = bytesOf(claimOf(volume).spec.resources.requests.storage);
  const needed = bytesOf(snapshot.status.restoreSize);
  return wanted !== undefined && needed !== undefined && wanted < needed
    ? {
        phase,
        fault: {
          reason: "CloneValidationFailed",
          message: `The clone doesn't meet the validation requirements: target resources requests storage size is smaller than the source ${wanted} < ${needed}`,
        },
      }
    : {
        phase: "CloneFromSnapshotSourceInProgress",
        cloneSource: `${namespace}/${name}`,
      };
}

/** The source, through a DataSource if it is one's; undefined when that is missing. */
async function sourceOf(
  api: KubeApi,
  { metadata, spec }: DataVolume,
): Promise<DataVolumeSource | undefined> {
  if (spec.sourceRef === undefined) {
    return spec.source ?? {};
  }
  const { name, namespace = metadata.namespace } = spec.sourceRef;
  const found = await api.find<DataSource>(
    `${collection(cdi, "datasources", namespace)}/${name}`,
  );
  return found?.spec.source;
}

function claimOf({ metadata, spec }: DataVolume, cloneSource?: string) {
  const wanted = spec.storage ?? spec.pvc ?? {};
  const annotations: Record<string, string> =
    cloneSource === undefined ? {} : { [cloneSourceAnnotation]: cloneSource };
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: {
      name: metadata.name,
      namespace: metadata.namespace,
      labels: { ...metadata.labels, app: "containerized-data-importer" },
      annotations,
      ownerReferences: [
        {
          apiVersion: cdi,
          kind: "DataVolume",
          name: metadata.name,
          uid: metadata.uid ?? "",
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      storageClassName: wanted.storageClassName ?? storageClass,
      accessModes: wanted.accessModes ?? ["ReadWriteOnce"],
      volumeMode: wanted.volumeMode ?? "Filesystem",
      resources: {
        requests: { storage: wanted.resources?.requests?.storage ?? "1Gi" },
      },
    },
  };
}

function claimNow(
  api: KubeApi,
  { metadata }: DataVolume,
): Promise<VolumeClaim | undefined> {
  return api.find(
    `${collection("v1", "persistentvolumeclaims", metadata.namespace)}/${metadata.name}`,
  );
}

async function setStatus(
  api: KubeApi,
  volume: DataVolume,
  phase: string,
  fault?: Judgement["fault"],
): Promise<void> {
  const isDone = phase === "Succeeded";
  const condition = (
    type: string,
    isTrue: boolean,
    reason = "",
    message = "",
  ) => ({
    type,
    status: isTrue ? "True" : "False",
    reason,
    message,
    lastHeartbeatTime: new Date().toISOString(),
    lastTransitionTime: new Date().toISOString(),
  });
  const fields = {
    status: {
      claimName: volume.metadata.name,
      phase,
      progress: isDone ? "100.0%" : "N/A",
      conditions: [
        condition("Ready", isDone),
        condition("Bound", isDone, isDone ? "Bound" : "Pending"),
        condition(
          "Running",
          !isDone && fault === undefined,
          fault?.reason ?? (isDone ? "Completed" : ""),
          fault?.message,
        ),
      ],
    },
  };
  if (volume.status?.phase === phase && fault !== undefined) {
    // Said already: a change would only lead to the next one.
    return;
  }
  await api.patch(
    `${pathOf({ ...volume, apiVersion: cdi, kind: "DataVolume" })}/status`,
    fields,
  );
}
