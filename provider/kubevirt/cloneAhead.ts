import { messageOf } from "@corral-iac/corral/core/errors";
import { field } from "@corral-iac/corral/core/argumentRules";
import type {
  KubeClient,
  KubeObject,
} from "@corral-iac/corral/core/kube-client/client";
import { isKubeFault } from "@corral-iac/corral/core/kube-client/errors";
import { KINDS } from "@corral-iac/corral/core/kube-client/kinds";
import {
  dataVolumeSpec,
  diskProgress,
  type DiskSpec,
} from "@corral-iac/corral/core/kubevirt/disks";
import {
  CLONED_LABEL,
  label,
  ownerOf,
  stampSelector,
  STAMP_LABEL,
} from "@corral-iac/corral/core/kubevirt/labels";
import { describeOwner } from "@corral-iac/corral/core/stamp";

import type { OperationContext } from "../frame/context";
import type { Clock } from "../guest/wait";

/** Disks that are cloned before the machines that take them up. */
export interface ClonesAhead {
  readonly namespace: string;
  readonly stampId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly disks: readonly DiskSpec[];
  /** Snapshots that must be there as long as is waited: `namespace/name`. */
  readonly snapshots: readonly { namespace: string; name: string }[];
  readonly timeoutSeconds: number;
}

export interface CloneSurroundings {
  readonly client: KubeClient;
  readonly ctx: Pick<OperationContext, "log" | "signal">;
  readonly clock: Clock;
}

/** What came of it. */
export type CloneOutcome =
  { readonly came: true } | { readonly came: false; readonly why: string };

const POLL_MILLISECONDS = 1000;
const REPORT_MILLISECONDS = 10_000;
const REMOVAL_SECONDS = 60;
const REMOVAL_POLL_MILLISECONDS = 250;

/**
 * Clones disks and waits, bounded, until they are there. What was cloned is removed when they do not
 * come; errors are what a bootstrap would meet as well, such as a permission or an exceeded quota.
 */
export async function cloneAhead(
  clones: ClonesAhead,
  surroundings: CloneSurroundings,
): Promise<CloneOutcome> {
  try {
    const outcome = await tryToClone(clones, surroundings);
    if (!outcome.came) {
      await removeClones(clones, surroundings);
    }
    return outcome;
  } catch (error) {
    if (!surroundings.ctx.signal.aborted) {
      await removeClones(clones, surroundings).catch((left: unknown) =>
        surroundings.ctx.log.warn(
          `disks that were cloned may be left in namespace ${clones.namespace}: ${messageOf(left)}`,
        ),
      );
    }
    throw error;
  }
}

async function tryToClone(
  clones: ClonesAhead,
  { client, ctx, clock }: CloneSurroundings,
): Promise<CloneOutcome> {
  const { signal, log } = ctx;
  const start = clock.now();
  const end = start + clones.timeoutSeconds * 1000;
  for (const disk of clones.disks) {
    const refused = await makeClone(client, clones, disk, signal);
    if (refused !== undefined) {
      return { came: false, why: refused };
    }
  }
  for (let reported = start; ;) {
    const gone = await vanished(client, clones, signal);
    if (gone !== undefined) {
      return { came: false, why: gone };
    }
    const waiting: string[] = [];
    for (const { name } of clones.disks) {
      const found = await client.find(
        KINDS.dataVolume,
        clones.namespace,
        name,
        {
          signal,
        },
      );
      const { state, why } = diskProgress(found);
      if (found === undefined || state === "failed") {
        const what = found === undefined ? "was removed by somebody" : why;
        return { came: false, why: `the disk ${name} did not come: ${what}` };
      }
      if (state === "waiting") {
        waiting.push(`${name} (${why})`);
      }
    }
    if (waiting.length === 0) {
      return { came: true };
    }
    if (clock.now() >= end) {
      return {
        came: false,
        why: `the disks did not come within ${clones.timeoutSeconds} s: ${waiting.join(", ")}`,
      };
    }
    if (clock.now() - reported >= REPORT_MILLISECONDS) {
      reported = clock.now();
      log.status(`waiting for disks: ${waiting.join(", ")}`);
    }
    await clock.sleep(POLL_MILLISECONDS, signal);
    signal.throwIfAborted();
  }
}

/** Why a disk cannot be cloned, in words; undefined when it is on its way. */
async function makeClone(
  client: KubeClient,
  clones: ClonesAhead,
  disk: DiskSpec,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { namespace, labels, annotations } = clones;
  try {
    await client.create(
      KINDS.dataVolume,
      namespace,
      {
        apiVersion: "cdi.kubevirt.io/v1beta1",
        kind: "DataVolume",
        metadata: {
          name: disk.name,
          namespace,
          labels: { ...labels, [CLONED_LABEL]: "true" },
          annotations: {
            ...annotations,
            // Otherwise a finished DataVolume may vanish before its machine is there.
            "cdi.kubevirt.io/storage.deleteAfterCompletion": "false",
          },
        },
        spec: dataVolumeSpec(disk),
      },
      { signal },
    );
    return undefined;
  } catch (error) {
    if (isKubeFault(error, "conflict")) {
      return takenBy(client, clones, disk.name, signal);
    }
    if (isKubeFault(error, "invalid", "noKind")) {
      return `the disk ${disk.name} cannot be cloned: ${error.reason}`;
    }
    throw error;
  }
}

/** One that a run left which was cut off is taken up; anybody else's is an error. */
async function takenBy(
  client: KubeClient,
  { namespace, stampId }: ClonesAhead,
  name: string,
  signal: AbortSignal,
): Promise<undefined> {
  const there = await client.find(KINDS.dataVolume, namespace, name, {
    signal,
  });
  if (
    there !== undefined &&
    label(there, STAMP_LABEL) === stampId &&
    label(there, CLONED_LABEL) === "true"
  ) {
    return undefined;
  }
  const owner = ownerOf(there);
  throw new Error(
    `there is a DataVolume ${namespace}/${name} already, of ` +
      `${owner === undefined ? "somebody who is not Corral" : describeOwner(owner)}; ` +
      "use another namespace or session, or remove it",
  );
}

async function vanished(
  client: KubeClient,
  { snapshots }: ClonesAhead,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const { namespace, name } of snapshots) {
    const there = await client.find(KINDS.machineSnapshot, namespace, name, {
      signal,
    });
    if (
      there === undefined ||
      field(there, "metadata", "deletionTimestamp") !== undefined
    ) {
      return `the snapshot ${namespace}/${name} vanished meanwhile`;
    }
  }
  return undefined;
}

/**
 * Removes disks that were cloned ahead and that no machine has taken up, and waits until they are
 * gone: their names may be needed at once.
 */
export async function removeClones(
  { namespace, stampId }: Pick<ClonesAhead, "namespace" | "stampId">,
  { client, ctx, clock }: CloneSurroundings,
): Promise<void> {
  const { signal } = ctx;
  const end = clock.now() + REMOVAL_SECONDS * 1000;
  for (;;) {
    const left = await unadopted(client, namespace, stampId, signal);
    if (left.length === 0) {
      return;
    }
    for (const dataVolume of left) {
      if (field(dataVolume, "metadata", "deletionTimestamp") === undefined) {
        const name = nameOf(dataVolume);
        await client.delete(KINDS.dataVolume, namespace, name, { signal });
      }
    }
    if (clock.now() >= end) {
      throw new Error(
        `the DataVolumes ${left.map(nameOf).join(", ")} in namespace ${namespace} were not gone within ${REMOVAL_SECONDS} s; what holds them: kubectl -n ${namespace} describe dv`,
      );
    }
    await clock.sleep(REMOVAL_POLL_MILLISECONDS, signal);
    signal.throwIfAborted();
  }
}

async function unadopted(
  client: KubeClient,
  namespace: string,
  stampId: string,
  signal: AbortSignal,
): Promise<KubeObject[]> {
  try {
    const all = await client.list(
      KINDS.dataVolume,
      namespace,
      { label: `${stampSelector(stampId)},${CLONED_LABEL}=true` },
      { signal },
    );
    return all.filter((dataVolume) => {
      const owners = field(dataVolume, "metadata", "ownerReferences");
      return !Array.isArray(owners) || owners.length === 0;
    });
  } catch (error) {
    if (isKubeFault(error, "noKind")) {
      return []; // Without the kind there is none.
    }
    throw error;
  }
}

function nameOf(object: KubeObject): string {
  return String(field(object, "metadata", "name"));
}
