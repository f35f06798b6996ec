import * as pulumi from "@pulumi/pulumi";
import type { CloudInitMountSpec } from "../core/cloudInit";
import { parseIpv4Network } from "../core/ipv4";
import { macAddress, type Identity } from "../core/names";
import type { OwnershipStamp } from "../core/stamp";
import { gibToBytes } from "../core/units";
import type { GuestConnection } from "../guest/args";
import { openConnection } from "../guest/openConnection";
import { MicroVmAddress } from "../guest/ops/microVmAddress";
import { MicroVmImage } from "../guest/ops/microVmImage";
import type { MicroVmDisk, MicroVmNic } from "../guest/ops/microVmService";
import { MicroVmVolume } from "../guest/ops/microVmVolume";
import { Accelerator } from "../libvirt/args";
import { keepsDataDisks } from "../shared/keepsDataDisks";
import type {
  MicroVmImageSource,
  MicroVmInterfaceArgs,
  MicroVmOnHostChange,
  MicroVmPlace,
  MicroVmRootDiskArgs,
  MicroVmSharedFolderArgs,
  MicroVmVolumeArgs,
} from "./args";

/** Where all parts of one machine are made, and whose they are. */
export interface Site {
  readonly parent: pulumi.ComponentResource;
  /** The component's own name. */
  readonly name: string;
  /** The machine's name on the host. */
  readonly machine: string;
  readonly identity: Identity;
  readonly stamp: pulumi.Output<OwnershipStamp>;
  readonly connection: GuestConnection;
  readonly onHostChange: MicroVmOnHostChange | undefined;
}

/** What each part of a machine is given. */
function partOf({ connection, stamp, onHostChange }: Site) {
  return { connection, stamp, onHostChange };
}

/** A host and network, field by field; only the host's private key is a secret. */
export interface OpenPlace {
  readonly connection: GuestConnection;
  readonly network: pulumi.Output<string>;
  readonly subnet: pulumi.Output<string>;
  readonly gateway: pulumi.Output<string>;
  readonly acceleration: pulumi.Output<Accelerator>;
  readonly lan: pulumi.Output<string | undefined>;
}

/** @param checked nothing is made before it is there. */
export function openPlace(
  host: pulumi.Input<MicroVmPlace>,
  checked: pulumi.Output<boolean>,
): OpenPlace {
  const known = pulumi.output(host);
  const open = <T>(value: pulumi.Output<T>) =>
    pulumi.unsecret(
      pulumi.all([value, checked]).apply(([inner]) => inner),
    ) as pulumi.Output<T>;
  const connection =
    pulumi.Output.isInstance(host) || host instanceof Promise
      ? known.connection
      : host.connection;
  return {
    connection: openConnection(connection, checked),
    network: open(known.network),
    subnet: open(known.subnet),
    gateway: open(known.gateway),
    acceleration: open(
      known.apply(({ acceleration }) => acceleration ?? Accelerator.Kvm),
    ),
    lan: open(known.apply(({ lan }) => lan)),
  };
}

/** Brings an image to the host. */
export function makeImage(
  site: Site,
  part: string,
  { file, ...source }: MicroVmImageSource,
): MicroVmImage {
  const { parent, name } = site;
  return new MicroVmImage(
    `${name}-${part}`,
    {
      ...partOf(site),
      ...source,
      ...(file !== undefined && { file: new pulumi.asset.FileAsset(file) }),
    },
    { parent },
  );
}

/** The machine's root disk: a copy of its image, and made anew with it. */
export function makeRootDisk(
  site: Site,
  { image, sizeGib }: MicroVmRootDiskArgs,
  madeFrom: pulumi.Output<string>,
): { readonly disk: MicroVmDisk; readonly volume: MicroVmVolume } {
  const { parent, name, machine } = site;
  const volume = new MicroVmVolume(
    `${name}-root`,
    {
      ...partOf(site),
      machine,
      volume: "root",
      sizeBytes: bytes(sizeGib),
      keep: false,
      image: makeImage(site, "root-image", image).path,
    },
    { parent, deleteBeforeReplace: true, replacementTrigger: madeFrom },
  );
  return { volume, disk: diskOf("root", volume, sizeGib, false) };
}

/** The machine's disks for data, in their order. */
export function makeVolumes(
  site: Site,
  volumes: readonly MicroVmVolumeArgs[],
): MicroVmDisk[] {
  const { parent, name, machine } = site;
  return volumes.map(({ name: volume, sizeGib, image, adopt, ...given }) => {
    const { readOnly } = given;
    if (image !== undefined) {
      return { name: volume, path: image, readOnly };
    }
    const keep = given.keep ?? keepsDataDisks();
    const made = new MicroVmVolume(
      `${name}-volume-${volume}`,
      {
        ...partOf(site),
        machine,
        volume,
        sizeBytes: bytes(sizeGib),
        keep,
        adopt,
      },
      { parent, retainOnDelete: keep },
    );
    return { ...diskOf(volume, made, sizeGib, true), readOnly };
  });
}

/** What cloud-init mounts in the guest. */
export function makeMounts(
  volumes: MicroVmVolumeArgs[],
  folders: MicroVmSharedFolderArgs[],
): pulumi.Output<CloudInitMountSpec[]> {
  return pulumi
    .all([pulumi.output(volumes), pulumi.output(folders)])
    .apply(([disks, shares]) =>
      [
        ...disks.map((disk) => ({ ...disk, isShared: false })),
        ...shares.map((share) => ({ ...share, isShared: true })),
      ].flatMap(({ name: label, mountPoint, readOnly = false, isShared }) =>
        mountPoint === undefined
          ? []
          : [{ label, mountPoint, readOnly, ...(isShared && { isShared }) }],
      ),
    );
}

/** The hypervisor sees a new size only when it starts. */
function diskOf(
  name: string,
  volume: MicroVmVolume,
  sizeGib: pulumi.Input<number> | undefined,
  grows: boolean,
): MicroVmDisk {
  return {
    name,
    path: volume.path,
    grows,
    revision: pulumi.interpolate`${volume.volumeId}-${pulumi.output(sizeGib).apply((gib) => gib ?? "")}`,
  };
}

function bytes(
  sizeGib: pulumi.Input<number> | undefined,
): pulumi.Output<number> | undefined {
  return sizeGib === undefined
    ? undefined
    : pulumi.output(sizeGib).apply(gibToBytes);
}

/** An interface as it is asked for. */
interface InterfaceParts
  extends
    Pick<OpenPlace, "network" | "subnet" | "gateway" | "lan">,
    Omit<MicroVmInterfaceArgs, "host"> {}

/** Leases an address for each interface, the first one in the host's own network. */
export function makeInterfaces(
  site: Site,
  interfaces: readonly InterfaceParts[],
): MicroVmNic[] {
  const { parent, name, machine, identity } = site;
  return interfaces.map(({ network, subnet, gateway, ...given }, nic) => {
    const lease = new MicroVmAddress(
      `${name}-address${nic === 0 ? "" : `-${nic}`}`,
      {
        ...partOf(site),
        network,
        subnet,
        gateway,
        machine,
        nic,
        address: given.address,
      },
      { parent },
    );
    const mac = given.macAddress ?? macAddress(identity, nic);
    return {
      network,
      address: lease.address,
      gateway,
      prefix: subnet.apply((cidr) => parseIpv4Network(cidr)?.prefix ?? 32),
      mac: pulumi.output(mac).apply((text) => text.toLowerCase()),
      lan: given.lan,
    };
  });
}
