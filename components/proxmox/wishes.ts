import type { OwnershipStamp } from "../core/stamp";
import { parseStampText } from "../core/stampText";

/** Inputs of the provider's resource that is about to be made. */
export type NewInputs = Readonly<Record<string, unknown>>;

/** What something that is about to be made needs of Proxmox VE. */
export interface Wishes {
  /** Of the machine or snippet. */
  readonly name: string;
  readonly node: string;
  /** Undefined: the provider chooses one. */
  readonly vmId?: number;
  /** Argument of the component that gives it. */
  readonly vmIdPath: string;
  /** The stamp that it will carry. */
  readonly own?: OwnershipStamp | undefined;
  readonly template?:
    { readonly vmId: number; readonly node: string } | undefined;
  readonly storages: readonly StorageWish[];
  readonly privileges: readonly PrivilegeWish[];
  readonly snippet?: { readonly storage: string; readonly volumeId: string };
}

/** A storage, and what is to lie in it. */
export interface StorageWish {
  /** Argument of the component. */
  readonly path: string;
  readonly storage: string;
  /** In Proxmox VE's words: `images`, `snippets`, `import`. */
  readonly content: string;
}

/** Privileges that the token needs at a path of the access list. */
export interface PrivilegeWish {
  readonly path: string;
  readonly needed: readonly string[];
  /** Another path where they may be had as well: a pool. */
  readonly orAt?: string;
}

/** What the provider asks for on the machine that it makes. */
const MACHINE_PRIVILEGES = [
  "VM.Allocate",
  "VM.Audit",
  "VM.Config.CPU",
  "VM.Config.Disk",
  "VM.Config.Memory",
  "VM.Config.Network",
  "VM.Config.Options",
  "VM.PowerMgmt",
];

/**
 * Reads what a machine needs out of the inputs of `VirtualEnvironmentVm`.
 *
 * @param disk argument of the component that the machine only holds a disk for: `dataDisks[0]`.
 */
export function machineWishes(inputs: NewInputs, disk?: string): Wishes {
  const node = text(inputs.nodeName);
  const vmId = positive(inputs.vmId);
  const clone = record(inputs.clone);
  const templateId = positive(clone?.vmId);
  const template =
    templateId === undefined
      ? undefined
      : { vmId: templateId, node: text(clone?.nodeName) || node };
  const storages = storagesOf(
    inputs,
    disk === undefined ? "rootDisk.storage" : `${disk}.storage`,
  );
  const pool = text(inputs.poolId);
  return {
    name: `VM "${text(inputs.name)}"`,
    node,
    ...(vmId !== undefined && { vmId }),
    vmIdPath: disk === undefined ? "vmId" : `${disk}.holderVmId`,
    own: parseStampText(text(inputs.description)),
    template,
    storages,
    privileges: [
      {
        path: vmId === undefined ? "/vms" : `/vms/${vmId}`,
        needed: [
          ...MACHINE_PRIVILEGES,
          ...(inputs.initialization
            ? ["VM.Config.CDROM", "VM.Config.Cloudinit"]
            : []),
        ],
        ...(pool !== "" && { orAt: `/pool/${pool}` }),
      },
      ...(template
        ? [{ path: `/vms/${template.vmId}`, needed: ["VM.Audit", "VM.Clone"] }]
        : []),
      ...[...new Set(storages.filter(isForImages).map(storageOf))].map(
        (storage) => ({
          path: `/storage/${storage}`,
          needed: ["Datastore.AllocateSpace"],
        }),
      ),
    ],
  };
}

/** Reads what a snippet needs out of the inputs of `VirtualEnvironmentFile`. */
export function snippetWishes(inputs: NewInputs): Wishes {
  const storage = text(inputs.datastoreId);
  const fileName = text(record(inputs.sourceRaw)?.fileName);
  return {
    name: `snippet "${fileName}"`,
    node: text(inputs.nodeName),
    vmIdPath: "vmId",
    storages: [{ path: "snippetStorage", storage, content: "snippets" }],
    privileges: [],
    snippet: { storage, volumeId: `${storage}:snippets/${fileName}` },
  };
}

function storagesOf(inputs: NewInputs, firstDisk: string): StorageWish[] {
  const disks = [inputs.disks ?? []].flat().map(record);
  const initialization = record(inputs.initialization);
  const wishes = [
    ...disks.flatMap((disk, index) => diskStorages(disk, index, firstDisk)),
    ...wish(firstDisk, record(inputs.clone)?.datastoreId, "images"),
    ...wish("cloudInitStorage", initialization?.datastoreId, "images"),
    ...wish("efiDisk.storage", record(inputs.efiDisk)?.datastoreId, "images"),
    ...wish("tpm.storage", record(inputs.tpmState)?.datastoreId, "images"),
    ...wish(
      "snippetStorage",
      storageIn(initialization?.userDataFileId),
      "snippets",
    ),
  ];
  // Disk and clone say the same.
  const same = (a: StorageWish, b: StorageWish) =>
    a.path === b.path && a.storage === b.storage;
  return wishes.filter(
    (one, index) => wishes.findIndex((other) => same(one, other)) === index,
  );
}

function diskStorages(
  disk: NewInputs | undefined,
  index: number,
  firstDisk: string,
): StorageWish[] {
  const path = index === 0 ? firstDisk : `dataDisks[${index - 1}].storage`;
  return [
    // A disk that is there already says where it lies, not where it is to be made.
    ...(disk?.pathInDatastore ? [] : wish(path, disk?.datastoreId, "images")),
    ...wish("image.fileId", storageIn(disk?.importFrom), "import"),
  ];
}

function wish(path: string, storage: unknown, content: string): StorageWish[] {
  const name = text(storage);
  return name === "" ? [] : [{ path, storage: name, content }];
}

/** The storage of a volume id such as `local:import/debian.qcow2`. */
function storageIn(volumeId: unknown): string {
  const id = text(volumeId);
  return id.slice(0, Math.max(0, id.indexOf(":")));
}

function isForImages({ content }: StorageWish): boolean {
  return content === "images";
}

function storageOf({ storage }: StorageWish): string {
  return storage;
}

function record(value: unknown): NewInputs | undefined {
  return typeof value === "object" && value !== null
    ? (value as NewInputs)
    : undefined;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function positive(value: unknown): number | undefined {
  return typeof value === "number" && value > 0 ? value : undefined;
}
