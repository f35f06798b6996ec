import type { AdoptedAs, HypervisorObject } from "../../core/inventory/lister";

/**
 * As what an object can be taken into the state. Cloud-init disks and logs are made anew from the
 * program and pools hold nothing by themselves: of those nothing is lost when they are removed.
 */
export function adoptedAs(object: HypervisorObject): AdoptedAs | undefined {
  switch (object.kind) {
    case "domain":
      return { type: "libvirt:index/domain:Domain", id: object.id };
    case "network":
      return { type: "libvirt:index/network:Network", id: object.id };
    case "volume":
      return /\.(iso|log)(\.\d+)?$/.test(object.name)
        ? undefined
        : { type: "libvirt:index/volume:Volume", id: object.id };
    default:
      return undefined;
  }
}
