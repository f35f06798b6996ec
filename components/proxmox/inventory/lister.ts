import type { InventoryContext, Lister } from "../../core/inventory/lister";
import { ProxmoxClient } from "../../core/proxmox-client/client";
import { accessTo, type DeclaredProxmox } from "./access";
import { adoptedAs } from "./adoption";
import { listProxmox } from "./listing";
import { removeFromProxmox } from "./removal";
import { statusOfMachines } from "./status";
import { originOf, surveyProxmox } from "./survey";

/** Stands for a hypervisor of which nobody says where it is. */
const NOWHERE = "a Proxmox VE without an endpoint";

/** The inventory of Proxmox VE. A place is an endpoint, such as `https://pve:8006`. */
export function proxmoxLister(context: InventoryContext): Lister {
  const declarations = new Map<string, DeclaredProxmox>();
  const clients = new Map<string, Promise<ProxmoxClient>>();

  const open = async (place: string) => {
    if (place === NOWHERE) {
      throw new Error(
        "the fleet file names none, and PROXMOX_VE_ENDPOINT is not set",
      );
    }
    return new ProxmoxClient(
      await accessTo(place, context, declarations.get(place)),
    );
  };
  const clientOf = (place: string) => {
    const client = clients.get(place) ?? open(place);
    clients.set(place, client);
    return client;
  };
  const { PROXMOX_VE_ENDPOINT } = context.environment;

  return {
    hypervisor: "proxmox",
    removalOrder: ["vm", "snippet"],
    survey: (resources) => surveyProxmox(resources, PROXMOX_VE_ENDPOINT),
    declaredPlace(declaration) {
      const declared = (declaration ?? {}) as DeclaredProxmox;
      const place =
        originOf(declared.endpoint) ?? originOf(PROXMOX_VE_ENDPOINT) ?? NOWHERE;
      declarations.set(place, declared);
      return place;
    },
    list: async (place, stack) =>
      listProxmox(await clientOf(place), stack, context.say),
    remove: async (place, object) =>
      removeFromProxmox(await clientOf(place), object),
    status: async (place, references) =>
      statusOfMachines(await clientOf(place), references),
    adoptedAs,
  };
}
