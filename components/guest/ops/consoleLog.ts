import * as pulumi from "@pulumi/pulumi";
import { opsOptions } from "./plugin";

/** Arguments of {@link ConsoleLog}. A change of any of them replaces the resource. */
export interface ConsoleLogArgs {
  /** libvirt connection URI, for instance `qemu:///system`. */
  uri: pulumi.Input<string>;
  /** Name of the storage pool that the file lies in; of type `dir`. */
  pool: pulumi.Input<string>;
  /** Name of the file in the pool's folder; no slashes. */
  fileName: pulumi.Input<string>;
}

/**
 * Where a libvirt domain writes its console. The file itself is made by libvirt when the domain
 * starts; deleting this resource removes it and its rotations.
 */
export class ConsoleLog extends pulumi.CustomResource {
  /** libvirt connection URI. */
  declare readonly uri: pulumi.Output<string>;
  /** Name of the storage pool. */
  declare readonly pool: pulumi.Output<string>;
  /** Name of the file in the pool's folder. */
  declare readonly fileName: pulumi.Output<string>;
  /** Absolute path of the file on the hypervisor. */
  declare readonly path: pulumi.Output<string>;

  constructor(
    name: string,
    args: ConsoleLogArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "corral-ops:index:ConsoleLog",
      name,
      { ...args, path: undefined },
      opsOptions(opts),
    );
  }
}
