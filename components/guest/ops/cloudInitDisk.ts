import * as pulumi from "@pulumi/pulumi";
import { opsOptions } from "./plugin";

/** Arguments of {@link CloudInitDisk}. */
export interface CloudInitDiskArgs {
  /** libvirt connection URI. */
  uri: pulumi.Input<string>;
  /** Name of the storage pool. */
  pool: pulumi.Input<string>;
  /** Name of the volume. */
  name: pulumi.Input<string>;
  /** cloud-init's user-data. A secret. */
  userData: pulumi.Input<string>;
  /** cloud-init's meta-data. */
  metaData: pulumi.Input<string>;
  /** cloud-init's network-config. */
  networkConfig: pulumi.Input<string>;
}

/** A CD image with cloud-init's documents, as a volume in a storage pool. */
export class CloudInitDisk extends pulumi.CustomResource {
  /** Id as the libvirt provider's `Domain.cloudinit` takes it. */
  declare readonly diskId: pulumi.Output<string>;

  constructor(
    name: string,
    args: CloudInitDiskArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "corral-ops:index:CloudInitDisk",
      name,
      {
        ...args,
        userData: pulumi.secret(args.userData),
        diskId: undefined,
      },
      opsOptions(opts),
    );
  }
}
