import type { KubeObject } from "./api/client";

/** An object to be made; its other fields are its kind's. */
export type Manifest = KubeObject & Readonly<Record<string, unknown>>;

/** The driver that {@link storageObjects} name and `storage/` plays. */
export const csiDriver = "csi.lab.corral.invalid";

/** On a volume: the handle of the snapshot that it was made from. */
export const snapshotHandleAnnotation = "lab.corral.invalid/snapshot-handle";

/** On a claim: the snapshot, as NAMESPACE/NAME, that CDI makes it from. */
export const cloneSourceAnnotation = "lab.corral.invalid/clone-source";

export const storageClass = "lab";
export const snapshotClass = "lab";

export const kubevirtNamespace = "kubevirt";
const kubevirtVersion = "v1.6.0";

/** Feature gates that the lab has on. */
export const defaultFeatureGates: readonly string[] = [
  "Snapshot",
  "VMExport",
  "ExpandDisks",
  "HotplugVolumes",
];

/** The KubeVirt resource by which the controllers read their configuration. */
export function kubevirtObject(): Manifest {
  return {
    apiVersion: "kubevirt.io/v1",
    kind: "KubeVirt",
    metadata: { name: "kubevirt", namespace: kubevirtNamespace },
    spec: {
      configuration: {
        developerConfiguration: { featureGates: defaultFeatureGates },
      },
    },
  };
}

/** What virt-operator writes once all is installed; the controllers take no other configuration. */
export function kubevirtStatus(): object {
  const condition = (type: string) => ({
    type,
    status: "True",
    reason: "AllComponentsReady",
    message: "All components are ready.",
  });
  return {
    status: {
      phase: "Deployed",
      defaultArchitecture: "amd64",
      observedKubeVirtVersion: kubevirtVersion,
      targetKubeVirtVersion: kubevirtVersion,
      observedKubeVirtRegistry: "quay.io/kubevirt",
      targetKubeVirtRegistry: "quay.io/kubevirt",
      conditions: [condition("Created"), condition("Available")],
    },
  };
}

/** A default storage class that can grow volumes and take snapshots. */
export function storageObjects(): Manifest[] {
  return [
    {
      apiVersion: "storage.k8s.io/v1",
      kind: "StorageClass",
      metadata: {
        name: storageClass,
        annotations: { "storageclass.kubernetes.io/is-default-class": "true" },
      },
      provisioner: csiDriver,
      allowVolumeExpansion: true,
      volumeBindingMode: "Immediate",
    },
    snapshotClassObject(),
  ];
}

export function snapshotClassObject(): Manifest {
  return {
    apiVersion: "snapshot.storage.k8s.io/v1",
    kind: "VolumeSnapshotClass",
    metadata: {
      name: snapshotClass,
      annotations: {
        "snapshot.storage.kubernetes.io/is-default-class": "true",
      },
    },
    driver: csiDriver,
    deletionPolicy: "Delete",
  };
}

/** Names of the simulated nodes. */
export const nodeNames: readonly string[] = ["node-1", "node-2"];

/** A node that KWOK keeps alive and that virt-controller takes for one with a virt-handler. */
export function nodeObject(name: string): Manifest {
  const resources = {
    cpu: "64",
    memory: "256Gi",
    pods: "250",
    "ephemeral-storage": "1Ti",
    "devices.kubevirt.io/kvm": "1k",
    "devices.kubevirt.io/tun": "1k",
    "devices.kubevirt.io/vhost-net": "1k",
  };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      annotations: {
        "kwok.x-k8s.io/node": "fake",
        // virt-controller gives up nodes whose handler was silent for minutes.
        "kubevirt.io/heartbeat": "2099-01-01T00:00:00Z",
      },
      labels: {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubevirt.io/schedulable": "true",
        "machine-type.node.kubevirt.io/q35": "true",
      },
    },
    status: {
      // The address of pods in the host's network: there the handler listens.
      addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
      capacity: resources,
      allocatable: resources,
    },
  };
}

/** The pod by which virt-api finds the handler of a node. */
export function handlerPodObject(node: string): Manifest {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `virt-handler-${node}`,
      namespace: kubevirtNamespace,
      labels: { "kubevirt.io": "virt-handler" },
    },
    spec: {
      nodeName: node,
      hostNetwork: true,
      serviceAccountName: "kubevirt-handler",
      automountServiceAccountToken: false,
      tolerations: [{ operator: "Exists" }],
      containers: [{ name: "virt-handler", image: "virt-handler" }],
    },
  };
}
