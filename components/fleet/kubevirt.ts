import type * as pulumi from "@pulumi/pulumi";
import type { KubevirtMachine, KubevirtSnapshotInfo } from "../kubevirt/args";
import type { KubevirtBaseSnapshotInfo } from "../kubevirt/baseArgs";
import { snapshotPlan } from "../kubevirt/basePlan";
import { KubevirtBaseSnapshots } from "../kubevirt/kubevirtBaseSnapshots";
import { KubevirtCluster } from "../kubevirt/kubevirtCluster";
import type { Fleet } from "./types";

/** What a stack exports for each cluster. Its kubeconfig is a secret. */
export interface ClusterOutputs {
  readonly kind: string;
  readonly namespace: pulumi.Output<string>;
  readonly strategy: pulumi.Output<string>;
  readonly strategyReason: pulumi.Output<string>;
  readonly fellBack: pulumi.Output<boolean>;
  readonly snapshots: pulumi.Output<KubevirtSnapshotInfo[]>;
  readonly machines: pulumi.Output<KubevirtMachine[]>;
  readonly skippedSteps: pulumi.Output<string[]>;
  readonly kubeconfig: pulumi.Output<string>;
}

/** What a stack exports for base snapshots. */
export interface BaseSnapshotOutputs {
  readonly namespace: pulumi.Output<string>;
  readonly snapshots: pulumi.Output<KubevirtBaseSnapshotInfo[]>;
}

/** The clusters and base snapshots of a fleet, by name. */
export interface KubevirtOutputs {
  readonly clusters: Record<string, ClusterOutputs>;
  readonly baseSnapshots: Record<string, BaseSnapshotOutputs>;
}

/** Makes the fleet's base snapshots, and its clusters after those that they are made from. */
export function makeKubevirt({
  kubevirts = {},
  kubevirtBaseSnapshots = {},
  kubevirtClusters = {},
}: Fleet): KubevirtOutputs {
  const bases = new Map<string, KubevirtBaseSnapshots>();
  for (const [name, declared] of Object.entries(kubevirtBaseSnapshots)) {
    const { kubevirt, ...args } = declared;
    bases.set(
      name,
      new KubevirtBaseSnapshots(name, { ...kubevirts[kubevirt], ...args }),
    );
  }
  const clusters: Record<string, ClusterOutputs> = {};
  for (const [name, declared] of Object.entries(kubevirtClusters)) {
    const { kubevirt, baseSnapshots = "", ...args } = declared;
    const base = kubevirtBaseSnapshots[baseSnapshots];
    const made = bases.get(baseSnapshots);
    const cluster = new KubevirtCluster(
      name,
      {
        ...kubevirts[kubevirt],
        ...args,
        ...(base === undefined ? {} : { snapshots: snapshotNames(base) }),
      },
      { dependsOn: made === undefined ? [] : [made] },
    );
    clusters[name] = {
      kind: "kubevirt",
      namespace: cluster.namespace,
      strategy: cluster.strategy,
      strategyReason: cluster.strategyReason,
      fellBack: cluster.fellBack,
      snapshots: cluster.snapshots,
      machines: cluster.machines,
      skippedSteps: cluster.skippedSteps,
      kubeconfig: cluster.kubeconfig,
    };
  }
  return {
    clusters,
    baseSnapshots: Object.fromEntries(
      [...bases].map(([name, { namespace, snapshots }]) => [
        name,
        { namespace, snapshots },
      ]),
    ),
  };
}

/** The names that clusters find base snapshots by, whatever their generation. */
function snapshotNames(base: Parameters<typeof snapshotPlan>[0]) {
  const { namespace, standsFor } = snapshotPlan(base);
  return {
    namespace,
    controlPlane: standsFor("control-plane"),
    worker: standsFor("worker"),
  };
}
