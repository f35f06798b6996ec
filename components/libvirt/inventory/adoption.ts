import type { AdoptedAs, HypervisorObject } from "../../core/inventory/lister";

/**
 * As what an object can be taken into the state. Cloud-init disks and logs are made anew from the
 * program and pools hold nothing by themselves: of those nothing is lost when they are removed.
 */
export function adoptedAs(object: HypervisorObject): AdoptedAs | undefined {
  switch (object.kind) {
    case "domain":
    case "network":
      return resourceOf(object);
    case "volume":
      return /\.(iso|log)(\.\d+)?$/.test(object.name)
        ? undefined
        : resourceOf(object);
    default:
      return undefined;
  }
}

/** The provider's own `id` is called `domainId` and so on in Pulumi, where `id` is taken. */
function resourceOf({ kind, id }: HypervisorObject): AdoptedAs {
  const type = `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;
  return {
    type: `libvirt:index/${kind}:${type}`,
    id,
    outputs: { [`${kind}Id`]: id, ...(kind === "domain" ? DEFAULTS : {}) },
  };
}

/** A default of the provider's that it does not read back, and for whose change it replaces the domain. */
const DEFAULTS = { fwCfgName: "opt/com.coreos/config" };
