import * as pulumi from "@pulumi/pulumi";
import { opsOptions } from "./plugin";

/** Arguments of {@link LibvirtPower}. */
export interface LibvirtPowerArgs {
  /** libvirt connection URI, for instance `qemu:///system`. */
  uri: pulumi.Input<string>;
  /** Name of the domain. */
  domain: pulumi.Input<string>;
  /** UUID of the domain: a new one means another machine. */
  domainId: pulumi.Input<string>;
  /** Whether the domain shall run. Default true. */
  running?: pulumi.Input<boolean>;
  /** Whether the domain starts with the hypervisor. Default: left as it is. */
  autostart?: pulumi.Input<boolean>;
  /**
   * Longest time that the guest is given to shut down, in seconds: 0 to 3600, default 60; then it is
   * powered off.
   */
  shutdownTimeoutSeconds?: pulumi.Input<number>;
}

/**
 * Whether a libvirt domain runs, and starts with its host. Shuts a running one down cleanly when it shall stop and before it is
 * replaced or deleted. A domain stopped by hand shows as drift on a refresh.
 */
export class LibvirtPower extends pulumi.CustomResource {
  /** Whether the domain runs. */
  declare readonly running: pulumi.Output<boolean>;
  /** Whether the domain starts with the hypervisor; undefined where that was not asked for. */
  declare readonly autostart: pulumi.Output<boolean | undefined>;

  constructor(
    name: string,
    args: LibvirtPowerArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super("corral-ops:index:LibvirtPower", name, { ...args }, opsOptions(opts));
  }
}
