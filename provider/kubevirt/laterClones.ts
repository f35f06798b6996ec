import { field } from "@corral-iac/corral/core/argumentRules";
import type { KubeClient } from "@corral-iac/corral/core/kube-client/client";
import { KINDS } from "@corral-iac/corral/core/kube-client/kinds";
import { parseVersion } from "@corral-iac/corral/core/kubevirt/kubeadm";
import type { SnapshotContent } from "@corral-iac/corral/core/kubevirt/snapshots";
import type {
  FoundSnapshot,
  ReadySnapshot,
} from "@corral-iac/corral/core/kubevirt/decision";

import { look, type SnapshotWish } from "./look";

/** A snapshot that a living cluster was made from. */
export interface UsedSnapshot {
  readonly namespace: string;
  readonly name: string;
  /** Empty when nothing says it. */
  readonly kubernetesVersion: string;
  readonly disks: SnapshotContent["disks"];
}

/**
 * From which snapshot a living cluster gets further workers: undefined for the one that it was made from;
 * where that is gone, because newer base snapshots were made, the present one of the same Kubernetes.
 *
 * @throws Error when there is none.
 */
export async function snapshotForMore(
  client: KubeClient,
  used: UsedSnapshot,
  wanted: Omit<SnapshotWish, "roles">,
  signal: AbortSignal,
): Promise<ReadySnapshot | undefined> {
  if (await isThere(client, used, signal)) {
    return undefined;
  }
  const { impossible, found } = await look(
    client,
    { ...wanted, roles: ["worker"] },
    signal,
  );
  const [present] = found;
  const obstacle =
    impossible ??
    (present?.state === "ready"
      ? misfit(used, present)
      : `the snapshot ${nameOf(present)} ${present?.why ?? "is not there"}`);
  if (obstacle === undefined && present?.content !== undefined) {
    return { ...present, content: present.content };
  }
  throw new Error(
    `the snapshot ${nameOf(used)}, which this cluster was made from, is gone, and no further worker can be cloned: ${obstacle}. ` +
      "Make base snapshots that fit, or let another generation decide anew, which makes the cluster anew",
  );
}

async function isThere(
  client: KubeClient,
  { namespace, disks }: UsedSnapshot,
  signal: AbortSignal,
): Promise<boolean> {
  const snapshots = await Promise.all(
    disks.map(({ volumeSnapshot }) =>
      client.find(KINDS.volumeSnapshot, namespace, volumeSnapshot, { signal }),
    ),
  );
  return snapshots.every(
    (snapshot) =>
      snapshot !== undefined &&
      field(snapshot, "metadata", "deletionTimestamp") === undefined,
  );
}

/** Why a worker of one snapshot cannot join a cluster of the other. */
function misfit(
  used: UsedSnapshot,
  { namespace, name, content }: FoundSnapshot,
): string | undefined {
  const other = `the snapshot ${nameOf({ namespace, name })}`;
  if (namespace !== used.namespace) {
    return `${other} is in another namespace`;
  }
  const version = content?.kubernetesVersion ?? "";
  const [mine, theirs] = [used.kubernetesVersion, version].map(minorOf);
  return mine !== undefined && theirs !== undefined && mine !== theirs
    ? `${other} has Kubernetes ${version}, the cluster ${used.kubernetesVersion}`
    : undefined;
}

function minorOf(version: string): string | undefined {
  const parts = parseVersion(version);
  return parts && `${parts.major}.${parts.minor}`;
}

function nameOf(
  snapshot: { namespace: string; name: string } | undefined,
): string {
  return snapshot === undefined
    ? ""
    : [snapshot.namespace, snapshot.name].filter(Boolean).join("/");
}
