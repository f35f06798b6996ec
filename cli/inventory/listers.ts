import type {
  InventoryContext,
  Lister,
  StateResource,
} from "@corral-iac/corral/core/inventory/lister";
import { label, STAMP_LABEL } from "@corral-iac/corral/core/kubevirt/labels";
import type { DeclaredHypervisor } from "./declared";

/** The inventories there are. Each kind of hypervisor adds a line; one is loaded when a state needs it. */
const LISTERS: readonly {
  /** As in the fleet file. */
  readonly kind: string;
  /** Types of resources that speak of this kind of hypervisor. */
  readonly types: RegExp;
  readonly load: (context: InventoryContext) => Promise<Lister>;
}[] = [
  {
    kind: "libvirt",
    types: /^(libvirt:|pulumi:providers:libvirt$)|^corral:index:Libvirt/,
    load: async () =>
      (await import("@corral-iac/corral/libvirt/inventory/lister")).lister,
  },
  {
    kind: "proxmox",
    types: /^(proxmox:|pulumi:providers:proxmox$)|^corral:index:Proxmox/,
    load: async (context) =>
      (
        await import("@corral-iac/corral/proxmox/inventory/lister")
      ).proxmoxLister(context),
  },
  {
    kind: "microVm",
    types: /^corral-ops:index:MicroVm|^corral:index:MicroVm/,
    load: async (context) =>
      (
        await import("@corral-iac/corral/microvm/inventory/lister")
      ).microVmLister(context),
  },
  {
    kind: "kubevirt",
    types:
      /^corral:index:Kubevirt|^corral-ops:index:(Kubevirt|ProvisioningDecision$)/,
    load: async (context) =>
      (
        await import("@corral-iac/corral/kubevirt/inventory/lister")
      ).kubevirtLister(context),
  },
];

/** The inventories of the hypervisors that a state speaks of, or a fleet file declares. */
export async function listersFor(
  resources: readonly StateResource[],
  declared: readonly DeclaredHypervisor[],
  context: InventoryContext,
): Promise<Lister[]> {
  const needed = LISTERS.filter(
    ({ kind, types }) =>
      resources.some(({ type }) => types.test(type)) ||
      declared.some((hypervisor) => hypervisor.kind === kind),
  );
  return Promise.all(needed.map(({ load }) => load(context)));
}

/**
 * Resources of Corral's own plugin: what they make is in the inventory, or they make nothing. Nor does a
 * provider, which is nothing but its configuration.
 */
const KNOWN = /^(corral-ops|pulumi:providers):/;

/**
 * Whether what a resource makes would be found by an inventory. Of Kubernetes only what carries a stamp:
 * a program may make much else there.
 */
export function isListed({
  type,
  inputs,
}: Pick<StateResource, "type" | "inputs">): boolean {
  return type.startsWith("kubernetes:")
    ? label(inputs, STAMP_LABEL) !== undefined
    : KNOWN.test(type) || LISTERS.some(({ types }) => types.test(type));
}
