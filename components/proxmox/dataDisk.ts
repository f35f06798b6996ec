import * as pulumi from "@pulumi/pulumi";
import type { OwnershipStamp } from "../core/stamp";
import * as proxmox from "../sdks/proxmox";
import type { input } from "../sdks/proxmox/types";
import { DEFAULT_STORAGE, FIXED } from "./fixedSettings";
import type { ProxmoxDataDiskArgs } from "./hardwareArgs";
import type { ProxmoxHypervisor } from "./hypervisor";
import { dataInterface } from "./machineInputs";
import { HOLDER_TAG, KEPT_TAG, renderDescription, renderTags } from "./owner";
import { guardHolder } from "./preflight";

/** What all data disks of a machine have in common. */
export interface DataDiskOwner {
  /** The component's name. */
  readonly name: string;
  /** The machine's name at Proxmox VE. */
  readonly machineName: string;
  readonly node: pulumi.Input<string>;
  readonly pool: pulumi.Input<string> | undefined;
  readonly stamp: pulumi.Output<OwnershipStamp>;
  readonly hypervisor: ProxmoxHypervisor;
}

/**
 * Makes a data disk, or takes one up again.
 *
 * A disk belongs to a VM id at Proxmox VE, and is deleted with it. So a data disk belongs to a small
 * machine of its own that never runs, its holder, and is lent to the machine that uses it.
 *
 * @returns the disk as the using machine attaches it.
 */
export function dataDisk(
  disk: ProxmoxDataDiskArgs,
  index: number,
  holderVmId: pulumi.Input<number>,
  owner: DataDiskOwner,
): input.VirtualEnvironmentVmDisk {
  const attached = {
    interface: dataInterface(disk, index),
    size: disk.sizeGib,
    serial: disk.name,
    backup: disk.backup ?? true,
  };
  if (disk.adopt !== undefined) {
    const [datastoreId = "", ...path] = disk.adopt.split(":");
    return { ...attached, datastoreId, pathInDatastore: path.join(":") };
  }
  const isKept = disk.keep ?? true;
  const { stamp } = owner;
  const holder = new proxmox.VirtualEnvironmentVm(
    `${owner.name}-disk-${disk.name}`,
    {
      ...FIXED,
      name: `${owner.machineName}-${disk.name}`,
      vmId: holderVmId,
      nodeName: owner.node,
      poolId: owner.pool,
      description: pulumi
        .all([stamp, holderVmId])
        .apply((known) =>
          renderDescription(
            ...known,
            `Holds the disk "${disk.name}" of ${owner.machineName}. It never runs; the disk is deleted with it.`,
          ),
        ),
      tags: stamp.apply(({ id }) =>
        renderTags(id, [HOLDER_TAG, ...(isKept ? [KEPT_TAG] : [])]),
      ),
      agent: undefined,
      started: false,
      onBoot: false,
      disks: [
        {
          interface: "scsi0",
          datastoreId: disk.storage ?? DEFAULT_STORAGE,
          size: disk.sizeGib,
          backup: disk.backup ?? true,
        },
      ],
      networkDevices: [],
    },
    {
      ...owner.hypervisor.resource,
      ...guardHolder(owner.hypervisor.api, `dataDisks[${index}]`),
      deleteBeforeReplace: true,
      retainOnDelete: isKept,
    },
  );
  const made = holder.disks.apply((disks) => disks?.[0]);
  return {
    ...attached,
    datastoreId: made.apply((known) => known?.datastoreId ?? ""),
    pathInDatastore: made.apply((known) => known?.pathInDatastore ?? ""),
  };
}
