import type { KubeKind } from "../../core/kube-client/client";
import { KINDS } from "../../core/kube-client/kinds";

/** A kind of object that Corral makes in Kubernetes. */
export interface ListedKind {
  /** As manifests write it. */
  readonly kind: string;
  readonly api: KubeKind;
  /** Whether its objects are in namespaces. */
  readonly namespaced: boolean;
}

/** All that Corral makes, in the order of removal: what uses others first. */
export const LISTED: readonly ListedKind[] = [
  of("VirtualMachine", KINDS.virtualMachine),
  of("VirtualMachineSnapshot", KINDS.machineSnapshot),
  of("DataVolume", KINDS.dataVolume),
  of("PersistentVolumeClaim", KINDS.claim),
  of("RoleBinding", KINDS.roleBinding),
  of("Role", KINDS.role),
  of("Service", KINDS.service),
  of("Secret", KINDS.secret),
  of("ResourceQuota", KINDS.quota),
  { kind: "Namespace", api: KINDS.namespace, namespaced: false },
];

/** The kind of that name; undefined: Corral makes none. */
export function listedKind(kind: string): ListedKind | undefined {
  return LISTED.find((one) => one.kind === kind);
}

/** Types of resources that the inventory knows. */
export const TYPES = {
  provider: "pulumi:providers:kubernetes",
  decision: "corral-ops:index:ProvisioningDecision",
  snapshots: "corral-ops:index:KubevirtSnapshots",
  machine: "kubernetes:kubevirt.io/v1:VirtualMachine",
  baseMachine: "corral-ops:index:KubevirtBaseMachine",
} as const;

/** Types of the machines. */
export const MACHINES: readonly string[] = [TYPES.machine, TYPES.baseMachine];

/** Types of Corral's own plugin that make objects. */
export const MAKERS: readonly string[] = [
  TYPES.decision,
  TYPES.snapshots,
  TYPES.baseMachine,
];

/** Handles of objects, as state and listing give them alike: `VirtualMachine:NAMESPACE/NAME`. */
export const handles = {
  object: (kind: string, namespace: string, name: string) =>
    namespace === "" ? `${kind}:${name}` : `${kind}:${namespace}/${name}`,
  namespace: (name: string) => `Namespace:${name}`,
  /** Handles of one kind in one namespace begin so. */
  within: (kind: string, namespace: string) => `${kind}:${namespace}/`,
};

/** The namespace and name of a handle; a Namespace is its own. */
export function placeInHandle(handle: string): {
  readonly namespace: string;
  readonly name: string;
} {
  const path = handle.slice(handle.indexOf(":") + 1);
  const [namespace = "", name = namespace] = path.split("/");
  return { namespace, name };
}

function of(kind: string, api: KubeKind): ListedKind {
  return { kind, api, namespaced: true };
}
