import type { NodeRole } from "./labels";
import type { SnapshotContent, SnapshotFinding } from "./snapshots";

/** What the user asks for. */
export type WantedStrategy = "auto" | "snapshot" | "bootstrap";

/** A snapshot that was found, with its content where it is ready. */
export interface FoundSnapshot extends SnapshotFinding {
  readonly content?: SnapshotContent;
}

/** A snapshot that can be cloned. */
export type ReadySnapshot = FoundSnapshot & {
  readonly content: SnapshotContent;
};

/** What was seen at the API. */
export interface Sight {
  /** Why there can be no snapshots here, such as a missing CRD; undefined when there can. */
  readonly impossible?: string;
  /** What was found for each role that is wanted. */
  readonly found: readonly FoundSnapshot[];
}

/**
 * One snapshot for each role: the first ones that belong together, else the first of each. While new base
 * snapshots are being taken, one of them is ready before the other, and the former two still are.
 *
 * @param candidates of each role what may be taken, the best first.
 */
export function choose(
  candidates: readonly (readonly FoundSnapshot[])[],
): FoundSnapshot[] {
  const pairs = candidates.reduce<FoundSnapshot[][]>(
    (chosen, role) =>
      chosen.flatMap((some) => role.map((one) => [...some, one])),
    [[]],
  );
  const fitting = pairs.find(
    (pair) =>
      pair.every(({ content }) => content !== undefined) &&
      pairObstacles(pair).length === 0,
  );
  return fitting ?? pairs[0] ?? [];
}

/** What was decided, and why. */
export type Decision =
  | {
      readonly strategy: "snapshot";
      readonly why: string;
      readonly snapshots: readonly ReadySnapshot[];
    }
  | { readonly strategy: "bootstrap"; readonly why: string };

/** Nothing that was asked for can be done; the message says all that is in the way. */
export class NoSnapshotError extends Error {
  override readonly name = "NoSnapshotError";
}

/** A bootstrap, which needs no look at the API. */
export function bootstrapAsAsked(): Decision {
  return { strategy: "bootstrap", why: "strategy is bootstrap" };
}

/**
 * Decides between snapshots and bootstrap. Pure: the same sight gives the same decision.
 *
 * @throws NoSnapshotError when snapshots are demanded and cannot be used.
 */
export function decide(
  wanted: Exclude<WantedStrategy, "bootstrap">,
  { impossible, found }: Sight,
): Decision {
  const obstacles =
    impossible === undefined
      ? [...found.flatMap(obstacleOf), ...pairObstacles(found)]
      : [impossible];
  const usable = found.flatMap((snapshot) =>
    snapshot.content === undefined
      ? []
      : [{ ...snapshot, content: snapshot.content }],
  );
  if (obstacles.length === 0 && usable.length > 0) {
    const names = usable.map(describe).join(" and ");
    return {
      strategy: "snapshot",
      why: `${names} ${usable.length === 1 ? "is" : "are"} ready to use`,
      snapshots: usable,
    };
  }
  const why = obstacles.join("; ") || "there is no snapshot";
  if (wanted === "snapshot") {
    throw new NoSnapshotError(
      `strategy is snapshot, and the snapshots cannot be used: ${why}. ` +
        "Make them (KubevirtBaseSnapshots), wait until they are ready, or let strategy be auto",
    );
  }
  return { strategy: "bootstrap", why };
}

/** A decision for snapshots that did not hold: their disks did not come. */
export function fallBack(why: string): Decision {
  return {
    strategy: "bootstrap",
    why: `snapshots were ready, but ${why}; fell back to bootstrap`,
  };
}

function obstacleOf(snapshot: FoundSnapshot): string[] {
  return snapshot.state === "ready"
    ? []
    : [
        `the ${words(snapshot.role)} snapshot ${describe(snapshot)} ${snapshot.why}`,
      ];
}

/** A worker is a member of one cluster only, the one that it was snapshotted with. */
function pairObstacles(found: readonly FoundSnapshot[]): string[] {
  const controlPlane = contentOf(found, "control-plane");
  const worker = contentOf(found, "worker");
  if (controlPlane === undefined || worker === undefined) {
    return [];
  }
  return [
    ...differing("Kubernetes version", [
      controlPlane.kubernetesVersion,
      worker.kubernetesVersion,
    ]),
    ...differing("cluster", [controlPlane.clusterSet, worker.clusterSet]),
  ];
}

function contentOf(
  found: readonly FoundSnapshot[],
  role: NodeRole,
): SnapshotContent | undefined {
  return found.find((snapshot) => snapshot.role === role)?.content;
}

function differing(
  what: string,
  [one, other]: readonly [string, string],
): string[] {
  return one !== "" && other !== "" && one !== other
    ? [
        `the snapshots do not belong together: ${what} ${one} of the control plane, ${other} of the worker`,
      ]
    : [];
}

function describe({ namespace, name }: SnapshotFinding): string {
  return namespace === "" ? name : `${namespace}/${name}`;
}

function words(role: NodeRole): string {
  return role === "control-plane" ? "control plane's" : "worker's";
}
