import * as pulumi from "@pulumi/pulumi";
import { withSecrets } from "../../shared/secrets";
import type { OnMicroVmHost, PartOfMicroVm } from "./microVm";
import { opsOptions } from "./plugin";

/** Arguments of {@link MicroVmVolume}. */
export interface MicroVmVolumeArgs extends OnMicroVmHost, PartOfMicroVm {
  /** Name of the machine on the host. */
  machine: pulumi.Input<string>;
  /** Name of the volume, up to 16 characters, and label of its file system. */
  volume: pulumi.Input<string>;
  /** At least this many bytes; it can only grow. Default: the size of the image. */
  sizeBytes?: pulumi.Input<number | undefined>;
  /** Whether the volume stays when the resource is deleted. */
  keep: pulumi.Input<boolean>;
  /** An image on the host whose copy the volume becomes. Default: an empty ext4 file system. */
  image?: pulumi.Input<string>;
  /** A kept volume to take up, `MACHINE/VOLUME`. Says nothing to a volume that exists. */
  adopt?: pulumi.Input<string | undefined>;
  /** Longest time that making it may take, in seconds: 1 to 86400, default 1800. */
  timeoutSeconds?: pulumi.Input<number>;
  /** Leave it out: a refresh makes it false where the volume's file is missing. */
  present?: pulumi.Input<boolean>;
}

/**
 * A disk of a microVM, a raw file on its host. It grows and never shrinks; one whose file was lost is
 * an error and never made anew on its own.
 */
export class MicroVmVolume extends pulumi.CustomResource {
  /** The volume's file on the host. */
  declare readonly path: pulumi.Output<string>;
  /** Another one says that the volume was made anew. */
  declare readonly volumeId: pulumi.Output<string>;
  /** The host that it is on, as machine-id(5) knows it. */
  declare readonly hostId: pulumi.Output<string | undefined>;

  constructor(
    name: string,
    args: MicroVmVolumeArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "corral-ops:index:MicroVmVolume",
      name,
      {
        ...withSecrets(args, ["privateKey"]),
        path: undefined,
        volumeId: undefined,
        hostId: undefined,
      },
      opsOptions(opts),
    );
  }
}
