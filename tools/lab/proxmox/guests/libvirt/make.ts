import { readLab } from "../../../state";
import type { ProxmoxOptions } from "../../options";
import { templateId } from "../../state/initial";
import type { Store } from "../../state/store";
import { LibvirtGuests } from "./backend";
import { networkAddresses } from "./domainXml";
import { Names } from "./names";
import { freeCidr } from "./network";
import { noteOwner, removeStrays } from "./strays";

/** A bridge of the nodes. */
export interface Bridge {
  readonly name: string;
  /** The libvirt network that stands for it with real guests. */
  readonly network: string;
  /** For instance `10.141.7.0/24`. */
  readonly cidr: string;
  /** The node's own address in it: this machine's, as guests see it. */
  readonly gateway: string;
}

/** The bridges; their networks are chosen once and then kept. */
export function bridgesOf(options: ProxmoxOptions, store: Store): Bridge[] {
  const { id, bridges: kept } = store.state;
  return (options.bridges ?? ["vmbr0"]).map((name, index) => {
    const given = index === 0 ? options.cidr : undefined;
    const cidr = kept[name] ?? given ?? freeCidr(id, index);
    kept[name] = cidr;
    const { gateway } = networkAddresses(cidr);
    return { name, network: new Names(id).network(name), cidr, gateway };
  });
}

/**
 * Real guests on the lab's libvirt daemon.
 *
 * @throws Error when the lab is not up.
 */
export async function realGuests(
  options: ProxmoxOptions,
  store: Store,
  bridges: readonly Bridge[],
  folder: string,
): Promise<LibvirtGuests> {
  const lab = readLab();
  if (lab === undefined) {
    throw new Error(
      "Real guests need the lab for libvirt, which is not up. Bring it up by: npm run lab -- up libvirt",
    );
  }
  await removeStrays();
  const names = new Names(store.state.id);
  const cidrs = Object.fromEntries(
    bridges.map(({ name, cidr }) => [name, cidr]),
  );
  const guests = await LibvirtGuests.make(lab, names, cidrs, folder);
  if (options.folder === undefined) {
    noteOwner(names);
  }
  await takeUpTemplate(store, guests);
  return guests;
}

/** The template's disk is the lab's image, whichever that is by now. */
async function takeUpTemplate(
  store: Store,
  guests: LibvirtGuests,
): Promise<void> {
  const disk = store.state.volumes[`local-lvm:base-${templateId}-disk-0`];
  if (disk !== undefined) {
    disk.data = guests.templateImage();
    disk.size = (await guests.imageSize(disk.data)) ?? disk.size;
    store.save();
  }
}
