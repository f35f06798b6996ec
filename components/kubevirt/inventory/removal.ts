import { setTimeout as delay } from "node:timers/promises";
import { field } from "../../core/argumentRules";
import type { HypervisorObject } from "../../core/inventory/lister";
import type {
  KubeClient,
  KubeKind,
  KubeObject,
} from "../../core/kube-client/client";
import { isKubeFault } from "../../core/kube-client/errors";
import { KINDS } from "../../core/kube-client/kinds";
import { label, STAMP_LABEL } from "../../core/kubevirt/labels";
import { listedKind, placeInHandle } from "./kinds";

/** Machines shut their guests down, namespaces empty themselves. */
const SLOW = ["VirtualMachine", "Namespace"];

/** For how long is waited until something is gone, and how often is looked. */
export interface RemovalBounds {
  readonly slowSeconds: number;
  readonly seconds: number;
  readonly pollMilliseconds: number;
}

const BOUNDS: RemovalBounds = {
  slowSeconds: 600,
  seconds: 60,
  pollMilliseconds: 250,
};

/**
 * Removes an object for good, and waits until it is gone, with what belongs to it: the next machine
 * takes the same names. Nothing happens when it is gone already.
 *
 * @throws Error when it is another's by now, or does not go in time, with what holds it.
 */
export async function removeFromKubevirt(
  client: KubeClient,
  object: HypervisorObject,
  bounds: RemovalBounds = BOUNDS,
): Promise<void> {
  const { kind, id, owner } = object;
  const known = listedKind(kind);
  if (known === undefined) {
    throw new Error(`Corral makes nothing of the kind "${kind}"`);
  }
  const { namespace, name } = placeInHandle(object.handle);
  const within = known.namespaced ? namespace : "";
  const find = async () => {
    const found = await client.find(known.api, within, name);
    return field(found, "metadata", "uid") === id ? found : undefined;
  };
  const there = await find();
  if (there !== undefined && label(there, STAMP_LABEL) !== owner?.stampId) {
    throw new Error(
      `${kind} ${object.name} is another's by now, so it was not touched`,
    );
  }
  const chain = await chainOf(client, kind, namespace, id);
  if (
    there !== undefined &&
    field(there, "metadata", "deletionTimestamp") === undefined
  ) {
    await client
      .delete(known.api, within, name, { uid: id })
      .catch(ignoreOther);
  }
  const seconds = SLOW.includes(kind) ? bounds.slowSeconds : bounds.seconds;
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const left = await find();
    const disks =
      left === undefined ? await disksOf(client, namespace, chain) : [];
    if (left === undefined && disks.length === 0) {
      return;
    }
    if (Date.now() > end) {
      throw new Error(
        `it was not gone within ${seconds} s; ${whatHolds(left, disks)}; ` +
          `kubectl describe ${kind.toLowerCase()} ${name}${within === "" ? "" : ` -n ${within}`} tells more`,
      );
    }
    await delay(bounds.pollMilliseconds);
  }
}

/** Another object has the name by now: ours is gone. */
function ignoreOther(error: unknown): void {
  if (!isKubeFault(error, "conflict")) {
    throw error;
  }
}

/**
 * Uids of an object and of its DataVolumes: what these own, the garbage collector takes away after them,
 * one after the other. None of what owns no disk.
 */
async function chainOf(
  client: KubeClient,
  kind: string,
  namespace: string,
  uid: string,
): Promise<ReadonlySet<string>> {
  switch (kind) {
    case "DataVolume":
      return new Set([uid]);
    case "VirtualMachine": {
      const owned = await ownedBy(
        client,
        KINDS.dataVolume,
        namespace,
        new Set([uid]),
      );
      return new Set([uid, ...owned.map((disk) => metadata(disk, "uid"))]);
    }
    default:
      return new Set();
  }
}

/** Names of the disks that are still there of what is gone. */
async function disksOf(
  client: KubeClient,
  namespace: string,
  chain: ReadonlySet<string>,
): Promise<string[]> {
  if (chain.size === 0) {
    return [];
  }
  const left = await Promise.all(
    [KINDS.dataVolume, KINDS.claim].map((kind) =>
      ownedBy(client, kind, namespace, chain),
    ),
  );
  return [...new Set(left.flat().map((disk) => metadata(disk, "name")))];
}

async function ownedBy(
  client: KubeClient,
  kind: KubeKind,
  namespace: string,
  owners: ReadonlySet<string>,
): Promise<KubeObject[]> {
  const all = await client.list(kind, namespace).catch((error: unknown) => {
    if (isKubeFault(error, "noKind", "forbidden")) {
      return []; // None, or for others to look after.
    }
    throw error;
  });
  return all.filter((object) => {
    const references = field(object, "metadata", "ownerReferences");
    return (
      Array.isArray(references) &&
      references.some((owner) => owners.has(String(field(owner, "uid"))))
    );
  });
}

function metadata(object: KubeObject, name: string): string {
  return String(field(object, "metadata", name));
}

function whatHolds(
  left: KubeObject | undefined,
  disks: readonly string[],
): string {
  if (left === undefined) {
    return `its disks ${disks.join(", ")} are still there`;
  }
  const finalizers = field(left, "metadata", "finalizers");
  const conditions = field(left, "status", "conditions");
  const said = (Array.isArray(conditions) ? (conditions as unknown[]) : [])
    .filter((condition) => field(condition, "status") === "True")
    .map((condition) => field(condition, "message"))
    .filter((message) => typeof message === "string" && message !== "");
  const held =
    Array.isArray(finalizers) && finalizers.length > 0
      ? `its finalizers hold it: ${finalizers.join(", ")}`
      : "nobody has removed it yet";
  return [held, ...said].join("; ");
}
