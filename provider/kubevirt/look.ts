import { field } from "@corral-iac/corral/core/argumentRules";
import { messageOf } from "@corral-iac/corral/core/errors";
import type { KubeClient } from "@corral-iac/corral/core/kube-client/client";
import { isKubeFault } from "@corral-iac/corral/core/kube-client/errors";
import { KINDS } from "@corral-iac/corral/core/kube-client/kinds";
import {
  choose,
  type FoundSnapshot,
  type Sight,
} from "@corral-iac/corral/core/kubevirt/decision";
import { restoreSize } from "@corral-iac/corral/core/kubevirt/disks";
import {
  type NodeRole,
  SESSION_LABEL,
  SNAPSHOT_LABEL,
} from "@corral-iac/corral/core/kubevirt/labels";
import {
  judgeSnapshot,
  newestFirst,
  readContent,
  sessionMachines,
  snapshotsOfSession,
  type SnapshotContent,
  type SnapshotDisk,
  type SnapshotFinding,
} from "@corral-iac/corral/core/kubevirt/snapshots";

/** Which snapshots are looked for. */
export interface SnapshotWish {
  /** Where they are by name. */
  readonly namespace: string;
  readonly controlPlane: string;
  readonly worker: string;
  /** Instead of names: the newest of this session's machines. */
  readonly fromSession?: string | undefined;
  /** Roles that the cluster has machines of. */
  readonly roles: readonly NodeRole[];
}

/** How many snapshots of a role are looked into, at most. */
const MOST_CANDIDATES = 4;

/**
 * Looks at the snapshots, as far as the decision needs it. Changes nothing.
 *
 * @throws KubeError when the API does not answer, or not to this user: nobody knows then.
 */
export async function look(
  client: KubeClient,
  wish: SnapshotWish,
  signal: AbortSignal,
): Promise<Sight> {
  try {
    const findings =
      wish.fromSession === undefined
        ? await byName(client, wish, signal)
        : await bySession(client, wish, wish.fromSession, signal);
    const candidates = await Promise.all(
      findings.map((role) =>
        Promise.all(
          role
            .slice(0, MOST_CANDIDATES)
            .map((finding) => withContent(client, finding, signal)),
        ),
      ),
    );
    return { found: choose(candidates) };
  } catch (error) {
    if (isKubeFault(error, "noKind")) {
      return {
        found: [],
        impossible: `this cluster has no snapshots of machines (${error.reason})`,
      };
    }
    throw error;
  }
}

/** Of each role what may be taken, the best first. */
function byName(
  client: KubeClient,
  wish: SnapshotWish,
  signal: AbortSignal,
): Promise<SnapshotFinding[][]> {
  return Promise.all(
    wish.roles.map(async (role) => {
      const place = {
        namespace: wish.namespace,
        name: role === "worker" ? wish.worker : wish.controlPlane,
      };
      const snapshot = await client.find(
        KINDS.machineSnapshot,
        place.namespace,
        place.name,
        { signal },
      );
      const found = judgeSnapshot(role, place, snapshot);
      if (found.state === "ready") {
        return [found];
      }
      const labelled = await client.list(
        KINDS.machineSnapshot,
        place.namespace,
        { label: `${SNAPSHOT_LABEL}=${place.name}` },
        { signal },
      );
      const ready = newestFirst(role, labelled).filter(
        ({ state }) => state === "ready",
      );
      return ready.length > 0 ? ready : [found];
    }),
  );
}

async function bySession(
  client: KubeClient,
  { roles }: SnapshotWish,
  session: string,
  signal: AbortSignal,
): Promise<SnapshotFinding[][]> {
  const [machines, snapshots] = await Promise.all([
    client.list(
      KINDS.virtualMachine,
      undefined,
      { label: `${SESSION_LABEL}=${session}` },
      { signal },
    ),
    client.list(KINDS.machineSnapshot, undefined, {}, { signal }),
  ]);
  const places = sessionMachines(machines, session);
  return roles.map((role) =>
    snapshotsOfSession(role, session, places, snapshots),
  );
}

/** A ready snapshot of which nothing can be cloned after all is not ready. */
async function withContent(
  client: KubeClient,
  finding: SnapshotFinding,
  signal: AbortSignal,
): Promise<FoundSnapshot> {
  if (finding.state !== "ready") {
    return finding;
  }
  const { namespace, name, contentName } = finding;
  const options = { signal };
  const [snapshot, content] = await Promise.all([
    client.find(KINDS.machineSnapshot, namespace, name, options),
    client.find(KINDS.snapshotContent, namespace, contentName, options),
  ]);
  if (content === undefined) {
    return {
      ...finding,
      state: "failed",
      why: `names the content ${contentName}, which is not there`,
    };
  }
  let read: SnapshotContent;
  try {
    read = readContent(content, snapshot);
  } catch (error) {
    return { ...finding, state: "failed", why: messageOf(error) };
  }
  const disks = await Promise.all(
    read.disks.map((disk) => judgeDisk(client, namespace, disk, signal)),
  );
  const broken = disks.find((disk) => typeof disk === "string");
  return broken === undefined
    ? {
        ...finding,
        content: {
          ...read,
          disks: disks.filter((disk) => typeof disk !== "string"),
        },
      }
    : { ...finding, state: "failed", why: broken };
}

/** The disk with the size that a clone needs; what is wrong with it, in words. */
async function judgeDisk(
  client: KubeClient,
  namespace: string,
  disk: SnapshotDisk,
  signal: AbortSignal,
): Promise<SnapshotDisk | string> {
  const snapshot = await client.find(
    KINDS.volumeSnapshot,
    namespace,
    disk.volumeSnapshot,
    { signal },
  );
  if (snapshot === undefined) {
    return `names the VolumeSnapshot ${disk.volumeSnapshot}, which is not there`;
  }
  if (field(snapshot, "status", "readyToUse") !== true) {
    return `names the VolumeSnapshot ${disk.volumeSnapshot}, which is not ready to use`;
  }
  return {
    ...disk,
    sizeBytes: Math.max(disk.sizeBytes, restoreSize(snapshot)),
  };
}
