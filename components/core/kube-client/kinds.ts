import type { KubeKind } from "./client";

/** The kinds of objects that Corral asks for; of all others Pulumi's provider takes care. */
export const KINDS = {
  namespace: kind("", "v1", "namespaces"),
  event: kind("", "v1", "events"),
  pod: kind("", "v1", "pods"),
  claim: kind("", "v1", "persistentvolumeclaims"),
  secret: kind("", "v1", "secrets"),
  service: kind("", "v1", "services"),
  quota: kind("", "v1", "resourcequotas"),
  role: kind("rbac.authorization.k8s.io", "v1", "roles"),
  roleBinding: kind("rbac.authorization.k8s.io", "v1", "rolebindings"),
  virtualMachine: kind("kubevirt.io", "v1", "virtualmachines"),
  instance: kind("kubevirt.io", "v1", "virtualmachineinstances"),
  /** What a machine can be asked to do. */
  machineActions: kind("subresources.kubevirt.io", "v1", "virtualmachines"),
  machineSnapshot: kind(
    "snapshot.kubevirt.io",
    "v1beta1",
    "virtualmachinesnapshots",
  ),
  snapshotContent: kind(
    "snapshot.kubevirt.io",
    "v1beta1",
    "virtualmachinesnapshotcontents",
  ),
  volumeSnapshot: kind("snapshot.storage.k8s.io", "v1", "volumesnapshots"),
  dataVolume: kind("cdi.kubevirt.io", "v1beta1", "datavolumes"),
} as const;

function kind(group: string, version: string, resource: string): KubeKind {
  return { group, version, resource };
}
