import * as pulumi from "@pulumi/pulumi";
import {
  ownerAnnotations,
  SESSION_LABEL,
  stampLabels,
} from "../core/kubevirt/labels";
import { namespaceFaults } from "../core/kubevirt/names";
import { objectName } from "../core/names";
import type { GuestConnection } from "../guest/args";
import { checkComponent } from "../shared/checkArgs";
import { stampComponent } from "../shared/identity";
import { withSecrets } from "../shared/secrets";
import type {
  KubevirtClusterArgs,
  KubevirtMachine,
  KubevirtSnapshotInfo,
} from "./args";
import { machineConnections, machineOutputs, makeCluster } from "./makeCluster";
import { kubernetesPlaceOf, makeNamespace } from "./place";
import { KubernetesProvider } from "./resource";
import { KUBEVIRT_SECRETS, validateKubevirtCluster } from "./validation";

/**
 * A Kubernetes cluster of KubeVirt machines: a control plane and workers, cloned from snapshots of a
 * cluster that was made before, or bootstrapped from an image. Both ways have the same children.
 */
export class KubevirtCluster extends pulumi.ComponentResource {
  /** Namespace of the machines. */
  public readonly namespace: pulumi.Output<string>;
  /** How the machines were made: `snapshot` or `bootstrap`. */
  public readonly strategy: pulumi.Output<string>;
  /** Why, in words. */
  public readonly strategyReason: pulumi.Output<string>;
  /** Whether snapshots were ready and their disks did not come. */
  public readonly fellBack: pulumi.Output<boolean>;
  /** The snapshots that the machines were made from; none after a bootstrap. */
  public readonly snapshots: pulumi.Output<KubevirtSnapshotInfo[]>;
  /** The machines, the control plane first. */
  public readonly machines: pulumi.Output<KubevirtMachine[]>;
  /**
   * How each machine is reached over ssh, in the order of `machines`, by its address in the pod
   * network. A secret.
   */
  public readonly connections: pulumi.Output<GuestConnection[]>;
  /**
   * Steps inside the machines that failed and may, as `NODE: STEP`, at the last run. A step that may not
   * fail fails the update.
   */
  public readonly skippedSteps: pulumi.Output<string[]>;
  /**
   * Kubeconfig of the cluster's administrator, with the address `apiServer`. A secret. Empty with
   * `configureNodes: false`.
   */
  public readonly kubeconfig: pulumi.Output<string>;

  constructor(
    name: string,
    args: KubevirtClusterArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(
      "corral:index:KubevirtCluster",
      name,
      withSecrets(args, KUBEVIRT_SECRETS),
      opts,
    );
    const ownNamespace = objectName({
      project: pulumi.getProject(),
      stack: pulumi.getStack(),
      name,
    }).toLowerCase();
    const checked = checkComponent(
      { type: "KubevirtCluster", name },
      args,
      (given) => [
        ...(args.namespace === undefined
          ? namespaceFaults("name", ownNamespace)
          : []),
        ...validateKubevirtCluster(given, name),
      ],
    );
    const { identity, stamp } = stampComponent(
      this,
      "KubevirtCluster",
      name,
      checked,
    );
    const { session = name } = args;
    const namespace = args.namespace ?? ownNamespace;
    const kubernetes = kubernetesPlaceOf(this, name, args, stamp);
    const marks = {
      labels: pulumi.all([stamp, args.labels ?? {}]).apply(([{ id }, own]) => ({
        ...own,
        ...stampLabels(id),
        [SESSION_LABEL]: session,
      })),
      annotations: stamp.apply(ownerAnnotations),
    };
    const place =
      args.namespace === undefined
        ? makeNamespace(name, namespace, args.quota, marks, kubernetes.resource)
        : [];

    const { decision, made, nodes } = makeCluster(args, {
      component: this,
      name,
      identity,
      stamp,
      namespace,
      session,
      marks,
      kubernetes,
      place,
    });

    this.namespace = stamp.apply(() => namespace);
    this.strategy = decision.decided;
    this.strategyReason = decision.why;
    this.fellBack = decision.fellBack;
    this.snapshots = pulumi
      .output(decision.snapshots)
      .apply((all) => all.map(({ disks, ...snapshot }) => snapshot));
    this.machines = machineOutputs(made);
    this.connections = machineConnections(made);
    this.skippedSteps = nodes?.skippedSteps ?? pulumi.output([]);
    this.kubeconfig = pulumi.secret(nodes?.adminKubeconfig ?? "");
    this.registerOutputs({
      namespace: this.namespace,
      strategy: this.strategy,
      strategyReason: this.strategyReason,
      fellBack: this.fellBack,
      snapshots: this.snapshots,
      machines: this.machines,
      connections: this.connections,
      skippedSteps: this.skippedSteps,
      kubeconfig: this.kubeconfig,
    });
  }

  /**
   * A provider for the cluster inside, made anew at each call: hand it as `provider` to resources of
   * `@pulumi/kubernetes`. Its `apiServer` has to be reached from where Pulumi runs.
   */
  public kubernetesProvider(name: string): pulumi.ProviderResource {
    return new KubernetesProvider(
      name,
      { kubeconfig: this.kubeconfig },
      { parent: this },
    );
  }
}
