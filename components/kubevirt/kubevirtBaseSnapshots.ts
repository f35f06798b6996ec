import * as pulumi from "@pulumi/pulumi";
import {
  ownerAnnotations,
  SESSION_LABEL,
  stampLabels,
} from "../core/kubevirt/labels";
import { clusterMachines } from "../core/kubevirt/names";
import { KubevirtSnapshots } from "../guest/ops/kubevirtSnapshots";
import { checkComponent } from "../shared/checkArgs";
import { stampComponent } from "../shared/identity";
import { withSecrets } from "../shared/secrets";
import type {
  KubevirtBaseSnapshotInfo,
  KubevirtBaseSnapshotsArgs,
} from "./baseArgs";
import { baseCluster, snapshotPlan } from "./basePlan";
import { validateBaseSnapshots } from "./baseValidation";
import { makeCluster } from "./makeCluster";
import { nodesOf } from "./nodes";
import { kubernetesPlaceOf, makeNamespace } from "./place";
import { KUBEVIRT_SECRETS } from "./validation";

/**
 * The snapshots that clusters are cloned from: a control plane and a worker are bootstrapped, cleaned
 * and stopped, and both are snapshotted; or the running machines of a session are. Base machines stay,
 * stopped, until the next generation, or go when their snapshots are ready.
 */
export class KubevirtBaseSnapshots extends pulumi.ComponentResource {
  /** Namespace of the snapshots. */
  public readonly namespace: pulumi.Output<string>;
  /** The snapshots, the control plane's first. */
  public readonly snapshots: pulumi.Output<KubevirtBaseSnapshotInfo[]>;

  constructor(
    name: string,
    args: KubevirtBaseSnapshotsArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(
      "corral:index:KubevirtBaseSnapshots",
      name,
      withSecrets(args, KUBEVIRT_SECRETS),
      opts,
    );
    const checked = checkComponent(
      { type: "KubevirtBaseSnapshots", name },
      args,
      validateBaseSnapshots,
    );
    const owner = stampComponent(this, "KubevirtBaseSnapshots", name, checked);
    const { stamp } = owner;
    const plan = snapshotPlan(args);
    const { namespace, session } = plan;
    const kubernetes = kubernetesPlaceOf(this, name, args, stamp);
    const marks = {
      labels: pulumi.all([stamp, args.labels ?? {}]).apply(([{ id }, own]) => ({
        ...own,
        ...stampLabels(id),
        [SESSION_LABEL]: session,
      })),
      annotations: stamp.apply(ownerAnnotations),
    };
    const cluster =
      args.fromSession === undefined
        ? makeCluster(baseCluster(args), {
            component: this,
            name,
            ...owner,
            namespace,
            session,
            marks,
            kubernetes,
            place:
              args.createNamespace === false
                ? []
                : makeNamespace(
                    name,
                    namespace,
                    undefined,
                    marks,
                    kubernetes.resource,
                  ),
            spentOn: ({ role }) => plan.nameOf(role),
          })
        : undefined;

    const taken = new KubevirtSnapshots(
      `${name}-snapshots`,
      {
        ...kubernetes.api,
        namespace,
        generation: plan.generation,
        orders: clusterMachines(session, 1).map((machine) => ({
          machine: machine.name,
          role: machine.role,
          name: plan.nameOf(machine.role),
          standsFor: plan.standsFor(machine.role),
        })),
        clean:
          cluster === undefined || args.configureNodes === false
            ? []
            : nodesOf(cluster.made),
        // Somebody works with a session's machines.
        stop: cluster !== undefined,
        removeMachines: args.keepMachines === false,
        reach: args.reach,
        stampId: stamp.apply(({ id }) => id),
        ...marks,
        timeoutSeconds: args.snapshotTimeoutSeconds,
      },
      {
        parent: this,
        dependsOn: cluster === undefined ? [] : [...cluster.last],
      },
    );

    this.namespace = stamp.apply(() => namespace);
    this.snapshots = taken.taken;
    this.registerOutputs({
      namespace: this.namespace,
      snapshots: this.snapshots,
    });
  }
}
