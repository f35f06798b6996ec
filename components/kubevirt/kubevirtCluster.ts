import * as pulumi from "@pulumi/pulumi";
import { clonePermission } from "../core/kubevirt/clonePermission";
import {
  ownerAnnotations,
  SESSION_LABEL,
  stampLabels,
} from "../core/kubevirt/labels";
import { clusterMachines, namespaceFaults } from "../core/kubevirt/names";
import { objectName } from "../core/names";
import type { GuestConnection } from "../guest/args";
import { KubeadmSecrets } from "../guest/ops/kubeadmSecrets";
import { ProvisioningDecision } from "../guest/ops/provisioningDecision";
import { checkComponent } from "../shared/checkArgs";
import { stampComponent } from "../shared/identity";
import { withSecrets } from "../shared/secrets";
import type {
  KubevirtClusterArgs,
  KubevirtMachine,
  KubevirtSnapshotInfo,
} from "./args";
import { cloneScope } from "./cluster";
import { DEFAULTS } from "./defaults";
import { makeMachine } from "./machine";
import { makeNodes } from "./nodes";
import { kubernetesPlaceOf, makeNamespace } from "./place";
import { KubernetesObject, KubernetesProvider } from "./resource";
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
    const { generation = 1, session = name, workers = 1 } = args;
    const namespace = args.namespace ?? ownNamespace;
    const machines = clusterMachines(session, workers);
    const { api, resource } = kubernetesPlaceOf(this, name, args, stamp);
    const child = { parent: this };

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
        ? makeNamespace(name, namespace, args.quota, marks, resource)
        : [];

    const decision = new ProvisioningDecision(
      `${name}-decision`,
      {
        ...api,
        namespace,
        strategy: args.strategy,
        // Demanded snapshots are not given up by themselves.
        fallback: args.fallback,
        wanted: {
          namespace: args.snapshots?.namespace ?? DEFAULTS.snapshotNamespace,
          controlPlane:
            args.snapshots?.controlPlane ?? DEFAULTS.controlPlaneSnapshot,
          worker: args.snapshots?.worker ?? DEFAULTS.workerSnapshot,
          fromSession: args.fromSession,
        },
        machines: machines.map((machine) => ({
          name: machine.name,
          role: machine.role,
          storageClass: args.storageClass,
          diskSizeGib: (machine.role === "worker"
            ? args.worker
            : args.controlPlane
          )?.diskSizeGib,
        })),
        generation,
        stampId: stamp.apply(({ id }) => id),
        ...marks,
        timeoutSeconds: args.diskTimeoutSeconds ?? DEFAULTS.diskSeconds,
      },
      { ...child, dependsOn: place },
    );

    const scope = pulumi
      .output(decision.snapshots)
      .apply((snapshots) => cloneScope({ decided: "", snapshots }, namespace));
    const permission = scope.apply(({ volumeSnapshots }) =>
      clonePermission(namespace, volumeSnapshots),
    );
    const permissionName = stamp.apply(({ id }) => `corral-clone-${id}`);
    const permissionMeta = {
      name: permissionName,
      namespace: scope.apply((where) => where.namespace),
      ...marks,
    };
    const role = new KubernetesObject(
      `${name}-clone-role`,
      "rbac.authorization.k8s.io/v1",
      "Role",
      { metadata: permissionMeta, rules: permission.rules },
      { ...resource, dependsOn: place, deleteBeforeReplace: true },
    );
    const binding = new KubernetesObject(
      `${name}-clone-binding`,
      "rbac.authorization.k8s.io/v1",
      "RoleBinding",
      {
        metadata: permissionMeta,
        subjects: permission.subjects,
        roleRef: {
          apiGroup: "rbac.authorization.k8s.io",
          kind: "Role",
          name: permissionName,
        },
      },
      { ...resource, dependsOn: [role], deleteBeforeReplace: true },
    );

    const secrets = new KubeadmSecrets(
      `${name}-kubeadm`,
      { generation },
      { ...child, dependsOn: place },
    );
    const made = machines.map((machine) =>
      makeMachine(machine, args, {
        component: this,
        name,
        identity,
        stamp,
        namespace,
        marks,
        decision,
        secrets,
        api,
        resource,
        dependsOn: [...place, binding],
      }),
    );

    this.namespace = stamp.apply(() => namespace);
    this.strategy = decision.decided;
    this.strategyReason = decision.why;
    this.fellBack = decision.fellBack;
    this.snapshots = pulumi
      .output(decision.snapshots)
      .apply((all) => all.map(({ disks, ...snapshot }) => snapshot));
    this.machines = pulumi.all(
      made.map(({ machine, address }) =>
        address.apply((known) => ({
          name: machine.name,
          role: machine.role,
          nodeName: machine.nodeName,
          address: known,
        })),
      ),
    );
    this.connections = pulumi.secret(
      pulumi.all(
        made.map(({ access, address, uid }) =>
          pulumi.output({
            host: address,
            port: access.port,
            user: access.user,
            privateKey: access.privateKey,
            hostKey: access.hostKey,
            instanceId: uid,
          }),
        ),
      ),
    );
    this.kubeconfig = pulumi.secret(
      makeNodes(args, made, {
        component: this,
        name,
        namespace,
        decision,
        secrets,
        api,
      }),
    );
    this.registerOutputs({
      namespace: this.namespace,
      strategy: this.strategy,
      strategyReason: this.strategyReason,
      fellBack: this.fellBack,
      snapshots: this.snapshots,
      machines: this.machines,
      connections: this.connections,
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
