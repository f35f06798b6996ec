import type { Lister } from "../../core/inventory/lister";
import { adoptedAs } from "./adoption";
import { listLibvirt } from "./listing";
import { removeFromLibvirt } from "./removal";
import { statusOfDomains } from "./status";
import { declaredUri, surveyLibvirt } from "./survey";

/** The inventory of libvirt hosts. A place is a connection URI. */
export const lister: Lister = {
  hypervisor: "libvirt",
  removalOrder: ["domain", "volume", "network", "pool"],
  survey: surveyLibvirt,
  declaredPlace: declaredUri,
  list: listLibvirt,
  remove: removeFromLibvirt,
  status: statusOfDomains,
  adoptedAs,
};
