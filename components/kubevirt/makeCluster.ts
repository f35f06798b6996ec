import * as pulumi from "@pulumi/pulumi";
import { clonePermission } from "../core/kubevirt/clonePermission";
import { type ClusterMachine, clusterMachines } from "../core/kubevirt/names";
import type { Identity } from "../core/names";
import type { OwnershipStamp } from "../core/stamp";
import type { GuestConnection } from "../guest/args";
import { KubeadmSecrets } from "../guest/ops/kubeadmSecrets";
import type { KubevirtNodes } from "../guest/ops/kubevirtNodes";
import { ProvisioningDecision } from "../guest/ops/provisioningDecision";
import { makeApiService } from "./apiService";
import type { KubevirtClusterArgs, KubevirtMachine } from "./args";
import { cloneScope } from "./cluster";
import { DEFAULTS } from "./defaults";
import { type MadeMachine, makeMachine } from "./machine";
import { makeNodes, rollOut } from "./nodes";
import type { KubernetesPlace, Marks } from "./place";
import { KubernetesObject } from "./resource";

/** Whose cluster it is, and where. */
export interface ClusterOwner {
  readonly component: pulumi.ComponentResource;
  /** The component's name. */
  readonly name: string;
  readonly identity: Identity;
  readonly stamp: pulumi.Output<OwnershipStamp>;
  readonly namespace: string;
  /** What stands in the machines' names. */
  readonly session: string;
  readonly marks: Marks;
  readonly kubernetes: KubernetesPlace;
  /** What has to be there before anything else. */
  readonly place: readonly pulumi.Resource[];
  /** For machines that are made for their snapshot only: its name. */
  readonly spentOn?: (machine: ClusterMachine) => string;
}

/** A cluster that was made. */
export interface MadeCluster {
  readonly decision: ProvisioningDecision;
  readonly made: readonly MadeMachine[];
  /** undefined when the inside is left alone. */
  readonly nodes: KubevirtNodes | undefined;
  /** What comes last: with it the cluster is complete. */
  readonly last: readonly pulumi.Resource[];
}

/** Makes all of a cluster but its namespace, as children of a component. */
export function makeCluster(
  args: KubevirtClusterArgs,
  owner: ClusterOwner,
): MadeCluster {
  const { component, name, stamp, namespace, marks, place } = owner;
  const { api, resource } = owner.kubernetes;
  const { generation = 1, workers = 1 } = args;
  const machines = clusterMachines(owner.session, workers);
  const child = { parent: component };

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
    { ...child, dependsOn: [...place] },
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
    { ...resource, dependsOn: [...place], deleteBeforeReplace: true },
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
    { ...child, dependsOn: [...place] },
  );
  const machinesMade = machines.map((machine) =>
    makeMachine(machine, args, {
      ...owner,
      decision,
      secrets,
      api,
      resource,
      dependsOn: [...place, binding],
    }),
  );
  const nodesOwner = { component, name, namespace, decision, secrets, api };
  const made =
    owner.spentOn === undefined
      ? rollOut(args, machinesMade, nodesOwner)
      : machinesMade;
  const [controlPlane] = made;
  const nodes =
    controlPlane === undefined || args.configureNodes === false
      ? undefined
      : makeNodes(args, made, {
          ...nodesOwner,
          server: makeApiService(args, controlPlane, {
            ...owner,
            api,
            resource,
          }),
        });
  return {
    decision,
    made,
    nodes,
    last: nodes === undefined ? made.map(({ ready }) => ready) : [nodes],
  };
}

/** The machines as the component shows them. */
export function machineOutputs(
  made: readonly MadeMachine[],
): pulumi.Output<KubevirtMachine[]> {
  return pulumi.all(
    made.map(({ machine, address }) =>
      address.apply((known) => ({
        name: machine.name,
        role: machine.role,
        nodeName: machine.nodeName,
        address: known,
      })),
    ),
  );
}

/** How the machines are reached over ssh. A secret. */
export function machineConnections(
  made: readonly MadeMachine[],
): pulumi.Output<GuestConnection[]> {
  return pulumi.secret(
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
}
