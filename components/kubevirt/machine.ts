import * as pulumi from "@pulumi/pulumi";
import { renderNetworkConfig, renderUserData } from "../core/cloudInit";
import {
  MACHINE_LABEL,
  ROLE_LABEL,
  SET_ANNOTATION,
  VERSION_ANNOTATION,
} from "../core/kubevirt/labels";
import { machineSpec } from "../core/kubevirt/machine";
import {
  type ClusterMachine,
  clusterMachines,
  machineUuid,
} from "../core/kubevirt/names";
import { bootstrapCloudInit, cloneCloudInit } from "../core/kubevirt/nodeBoot";
import { guestNetwork } from "../core/kubevirt/nodeNetwork";
import { type Identity, macAddress } from "../core/names";
import type { OwnershipStamp } from "../core/stamp";
import { type Access, guestAccess } from "../guest/access";
import type { KubeApi } from "../guest/ops/kube";
import type { KubeadmSecrets } from "../guest/ops/kubeadmSecrets";
import { KubevirtBaseMachine } from "../guest/ops/kubevirtBaseMachine";
import { KubevirtReady } from "../guest/ops/kubevirtReady";
import type { ProvisioningDecision } from "../guest/ops/provisioningDecision";
import type { KubevirtClusterArgs } from "./args";
import { disksOf, networkPlugin, serviceSpec } from "./cluster";
import { DEFAULTS } from "./defaults";
import type { Marks } from "./place";
import { KubernetesObject } from "./resource";

/** What the machines of a cluster have in common. */
export interface MachineOwner {
  readonly component: pulumi.ComponentResource;
  /** The component's name. */
  readonly name: string;
  readonly identity: Identity;
  readonly stamp: pulumi.Output<OwnershipStamp>;
  readonly namespace: string;
  readonly marks: Marks;
  readonly decision: ProvisioningDecision;
  readonly secrets: KubeadmSecrets;
  readonly api: KubeApi;
  /** Options for objects of Kubernetes. */
  readonly resource: pulumi.CustomResourceOptions;
  /** What has to be there before a machine is. */
  readonly dependsOn: readonly pulumi.Resource[];
  /** For machines that are made for their snapshot only: its name. */
  readonly spentOn?: (machine: ClusterMachine) => string;
}

/** A machine that was made. */
export interface MadeMachine {
  readonly machine: ClusterMachine;
  readonly access: Access;
  /** Another one is another machine. */
  readonly uid: pulumi.Output<string>;
  /** Another one of the same machine is another declaration of it. */
  readonly declared: pulumi.Output<number>;
  /** Its address in the pod network, once it is ready. */
  readonly address: pulumi.Output<string>;
  /** The wait for it. */
  readonly ready: pulumi.Resource;
}

/** Makes one machine: its keys, its Service, its cloud-init, itself, and the wait for it. */
export function makeMachine(
  machine: ClusterMachine,
  args: KubevirtClusterArgs,
  owner: MachineOwner,
): MadeMachine {
  const { component, namespace, marks, decision, resource, stamp } = owner;
  const { generation = 1, ready = {} } = args;
  const part = `${owner.name}-${machine.part}`;
  const size = machine.role === "worker" ? args.worker : args.controlPlane;
  const mac = macAddress({ ...owner.identity, name: part });
  const network = guestNetwork(
    args.kubernetes?.nodeNetwork ?? DEFAULTS.nodeNetwork,
    machine.index,
  );
  const labels = pulumi.output(marks.labels).apply((own) => ({
    ...own,
    [ROLE_LABEL]: machine.role,
  }));
  const place = { ...resource, dependsOn: [...owner.dependsOn] };

  const access = guestAccess(component, part, part, undefined, args.ssh);
  const service = new KubernetesObject(
    `${part}-service`,
    "v1",
    "Service",
    {
      metadata: {
        name: machine.nodeName,
        namespace,
        labels,
        annotations: pulumi
          .output(marks.annotations)
          // Its endpoint is the machine, which comes after it.
          .apply((own) => ({ ...own, "pulumi.com/skipAwait": "true" })),
      },
      spec: serviceSpec(machine),
    },
    place,
  );
  const cloudInitSecret = `${machine.name}-cloud-init`;
  const cloudInit = new KubernetesObject(
    `${part}-cloud-init`,
    "v1",
    "Secret",
    {
      metadata: {
        name: cloudInitSecret,
        namespace,
        labels,
        annotations: marks.annotations,
      },
      stringData: pulumi.secret({
        userdata: userData(machine, args, access, owner),
        networkdata: renderNetworkConfig(mac, {
          // Nodes call each other by the names of Services in their namespace.
          useDomains: true,
        }),
      }),
    },
    { ...place, additionalSecretOutputs: ["stringData", "data"] },
  );

  const spec = pulumi
    .all([
      stamp,
      labels,
      decision.decided,
      decision.snapshots,
      pulumi.output(args.image),
      size?.cores ?? DEFAULTS.cores,
      size?.memoryMib ?? DEFAULTS.memoryMib,
      args.shutdownTimeoutSeconds ?? DEFAULTS.shutdownSeconds,
    ])
    .apply(
      ([
        { id },
        marked,
        decided,
        snapshots,
        image,
        cores,
        memoryMib,
        seconds,
      ]) =>
        machineSpec({
          name: machine.name,
          labels: marked,
          disks: disksOf({ decided, snapshots }, machine, {
            namespace,
            generation,
            diskSizeGib: size?.diskSizeGib,
            storageClass: args.storageClass,
            image,
          }),
          cores,
          memoryMib,
          uuid: machineUuid(id, machine.name, generation),
          macAddress: mac,
          nodeName: machine.nodeName,
          guestNetwork: network.cidr,
          cloudInitSecret,
          runStrategy: args.runStrategy ?? "Always",
          shutdownSeconds: seconds,
        }),
    );
  const { vm, uid, declared } = makeVirtualMachine(machine, args, owner, {
    part,
    spec,
    labels: labels.apply((own): Record<string, string> => ({
      ...own,
      [MACHINE_LABEL]: machine.name,
    })),
    dependsOn: [...owner.dependsOn, service, cloudInit],
  });

  const wait = new KubevirtReady(
    `${part}-ready`,
    {
      ...owner.api,
      namespace,
      machine: machine.name,
      machineId: uid,
      until: ready.until ?? "agent",
      timeoutSeconds: ready.timeoutSeconds ?? DEFAULTS.readySeconds,
    },
    { parent: component, deletedWith: vm, deleteBeforeReplace: true },
  );
  return {
    machine,
    access,
    uid,
    declared,
    address: wait.address,
    ready: wait,
  };
}

interface VirtualMachineParts {
  /** How the names of its resources begin. */
  readonly part: string;
  readonly spec: pulumi.Output<Record<string, unknown>>;
  readonly labels: pulumi.Output<Record<string, string>>;
  readonly dependsOn: pulumi.Resource[];
}

/** The VirtualMachine itself: one that stays, or one that is made for its snapshot. */
function makeVirtualMachine(
  machine: ClusterMachine,
  args: KubevirtClusterArgs,
  owner: MachineOwner,
  { part, spec, labels, dependsOn }: VirtualMachineParts,
): Pick<MadeMachine, "uid" | "declared"> & { vm: pulumi.Resource } {
  const { component, namespace, resource, stamp, spentOn } = owner;
  const { generation = 1 } = args;
  const annotations = vmAnnotations(args, owner);
  if (spentOn !== undefined) {
    const vm = new KubevirtBaseMachine(
      `${part}-vm`,
      {
        ...owner.api,
        namespace,
        machine: machine.name,
        snapshot: spentOn(machine),
        generation,
        stampId: stamp.apply(({ id }) => id),
        labels,
        annotations,
        spec: pulumi.jsonStringify(spec),
      },
      { parent: component, dependsOn },
    );
    return { vm, uid: vm.uid, declared: pulumi.output(generation) };
  }
  const vm = new KubernetesObject(
    `${part}-vm`,
    "kubevirt.io/v1",
    "VirtualMachine",
    {
      metadata: {
        name: machine.name,
        namespace,
        labels,
        annotations: annotations.apply((own) => ({
          ...own,
          // What somebody changed by hand is put right, whoever holds the field since.
          "pulumi.com/patchForce": "true",
        })),
      },
      spec,
    },
    {
      ...resource,
      dependsOn,
      deleteBeforeReplace: true,
      replacementTrigger: pulumi.output(generation),
    },
  );
  // A preview knows the metadata that it was given, without what the API adds: its id it does not know.
  const made = pulumi.all([vm.metadata, vm.id]);
  return {
    vm,
    uid: made.apply(([{ uid }]) => uid),
    declared: made.apply(([{ generation: known = 0 }]) => known),
  };
}

/** What a machine tells whoever snapshots it, and through the snapshot whoever clones it. */
function vmAnnotations(args: KubevirtClusterArgs, owner: MachineOwner) {
  return pulumi
    .all([
      owner.stamp,
      owner.marks.annotations,
      owner.decision.snapshots,
      args.kubernetes?.version ?? DEFAULTS.version,
    ])
    .apply(([{ id }, own, snapshots, version]) => ({
      ...own,
      [VERSION_ANNOTATION]: snapshots[0]?.kubernetesVersion || version,
      [SET_ANNOTATION]: `${id}-${args.generation ?? 1}`,
    }));
}

/** A secret: it holds keys, and for a bootstrap the token. */
function userData(
  machine: ClusterMachine,
  args: KubevirtClusterArgs,
  access: Access,
  { decision, secrets }: MachineOwner,
): pulumi.Output<string> {
  const { kubernetes = {} } = args;
  const [controlPlane] = clusterMachines("", 0);
  const { hostKeyPair, loginKeyPair } = access;
  return pulumi.secret(
    pulumi
      .all([
        decision.decided,
        pulumi.output({
          token: secrets.token,
          certificateKey: secrets.certificateKey,
          certificate: secrets.authorityCertificate,
          key: secrets.authorityKey,
        }),
        pulumi.output(kubernetes),
        args.ready?.timeoutSeconds ?? DEFAULTS.readySeconds,
        access.user,
        loginKeyPair?.publicKey,
        hostKeyPair?.privateKey,
        hostKeyPair?.publicKey,
      ])
      .apply(
        ([
          decided,
          { token, certificateKey, ...authority },
          known,
          waitSeconds,
          user,
          login,
          key,
          publicKey,
        ]) =>
          renderUserData(
            decided === "snapshot"
              ? cloneCloudInit(machine.nodeName)
              : bootstrapCloudInit({
                  role: machine.role,
                  nodeName: machine.nodeName,
                  network: guestNetwork(
                    known.nodeNetwork ?? DEFAULTS.nodeNetwork,
                    machine.index,
                  ),
                  cluster: {
                    version: known.version ?? DEFAULTS.version,
                    endpointName: controlPlane?.nodeName ?? "",
                    podNetwork: known.podNetwork ?? DEFAULTS.podNetwork,
                    serviceNetwork:
                      known.serviceNetwork ?? DEFAULTS.serviceNetwork,
                    token,
                    certificateKey,
                    authority,
                    certificateNames: known.certificateNames ?? [],
                  },
                  install: known.install ?? "packages",
                  networkPlugin: networkPlugin(known.cni, known.manifest),
                  hooks: known.hooks ?? {},
                  waitSeconds,
                }),
            {
              hostKey:
                key === undefined || publicKey === undefined
                  ? undefined
                  : { privateKey: key, publicKey },
              login:
                login === undefined ? undefined : { user, publicKey: login },
            },
          ),
      ),
  );
}
