import * as pulumi from "@pulumi/pulumi";
import { opsOptions } from "./plugin";

/** Arguments of {@link Stamp}. */
export interface StampArgs {
  /** Name of the Pulumi project. */
  project: pulumi.Input<string>;
  /** Name of the Pulumi stack. */
  stack: pulumi.Input<string>;
  /** Type of the component that owns it, for instance `LibvirtVm`. */
  component: pulumi.Input<string>;
  /** Name of the component. */
  name: pulumi.Input<string>;
}

/**
 * A random id, made once and kept in the state: the stamp by which what a stack made on a hypervisor
 * is known as its own. A change of the arguments never changes the id.
 */
export class Stamp extends pulumi.CustomResource {
  /** 16 lowercase hexadecimal digits. */
  declare readonly stampId: pulumi.Output<string>;
  /** The first 8 digits of `stampId`, for names that have to be short. */
  declare readonly shortId: pulumi.Output<string>;

  constructor(
    name: string,
    args: StampArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "corral-ops:index:Stamp",
      name,
      { ...args, stampId: undefined, shortId: undefined },
      opsOptions(opts),
    );
  }
}
