import * as pulumi from "@pulumi/pulumi";
import { withSecrets } from "../../shared/secrets";
import type { OnMicroVmHost, PartOfMicroVm } from "./microVm";
import { opsOptions } from "./plugin";

/** Arguments of {@link MicroVmImage}: exactly one of `file`, `path` and `url`. */
export interface MicroVmImageArgs extends OnMicroVmHost, PartOfMicroVm {
  /** A file of the machine that runs the program, as a FileAsset. */
  file?: pulumi.Input<pulumi.asset.Asset>;
  /** A file that is on the host already; it is used where it is. */
  path?: pulumi.Input<string>;
  /** An address that the host fetches the image from, once. */
  url?: pulumi.Input<string>;
  /** SHA-256 of what `url` gives. */
  sha256?: pulumi.Input<string>;
  /** Longest time that the transfer may take, in seconds: 1 to 86400, default 1800. */
  timeoutSeconds?: pulumi.Input<number>;
  /** Leave it out: a refresh makes it false where the image is not on the host. */
  present?: pulumi.Input<boolean>;
}

/**
 * A kernel, an initrd or a disk image on a host of microVMs: brought there once, known by the SHA-256
 * of its content and shared by all machines that need it. The last one takes it away.
 */
export class MicroVmImage extends pulumi.CustomResource {
  /** Where it is on the host. */
  declare readonly path: pulumi.Output<string>;
  /** The host that it is on, as machine-id(5) knows it. */
  declare readonly hostId: pulumi.Output<string | undefined>;

  constructor(
    name: string,
    args: MicroVmImageArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "corral-ops:index:MicroVmImage",
      name,
      {
        path: undefined,
        ...withSecrets(args, ["privateKey"]),
        hostId: undefined,
      },
      opsOptions(opts),
    );
  }
}
