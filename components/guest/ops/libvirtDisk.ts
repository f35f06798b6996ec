import * as pulumi from "@pulumi/pulumi";
import { opsOptions } from "./plugin";

/** Arguments of {@link LibvirtDisk}. */
export interface LibvirtDiskArgs {
  /** libvirt connection URI. */
  uri: pulumi.Input<string>;
  /** Name of the storage pool. That of a disk to keep cannot be changed. */
  pool: pulumi.Input<string>;
  /** Name of the volume to make. A disk that exists keeps the name that it has. */
  name: pulumi.Input<string>;
  /** Size that the guest sees, in bytes: at least this. It can only grow. */
  sizeBytes: pulumi.Input<number>;
  /** Whether the volume stays when the resource is deleted. */
  keep: pulumi.Input<boolean>;
  /** Name of a volume that was kept, to take up instead of making one. */
  adopt?: pulumi.Input<string>;
}

/** A disk for the data of a libvirt machine. It grows in place and never shrinks. */
export class LibvirtDisk extends pulumi.CustomResource {
  /** The volume's key, as the libvirt provider's `Domain.disks` takes it. */
  declare readonly diskId: pulumi.Output<string>;
  /** Name of the volume on the hypervisor. */
  declare readonly volumeName: pulumi.Output<string>;

  constructor(
    name: string,
    args: LibvirtDiskArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "corral-ops:index:LibvirtDisk",
      name,
      { ...args, diskId: undefined, volumeName: undefined },
      opsOptions(opts),
    );
  }
}
