import * as pulumi from "@pulumi/pulumi";
import { withSecrets } from "../../shared/secrets";
import type { OnMicroVmHost, PartOfMicroVm } from "./microVm";
import { opsOptions } from "./plugin";

/** Arguments of {@link MicroVmAddress}. */
export interface MicroVmAddressArgs extends OnMicroVmHost, PartOfMicroVm {
  /** Name of the network on the host. */
  network: pulumi.Input<string>;
  /** Its subnet, for example `10.0.0.0/24`. */
  subnet: pulumi.Input<string>;
  /** The host's own address in it, which no machine gets. */
  gateway: pulumi.Input<string>;
  /** Name of the machine on the host. */
  machine: pulumi.Input<string>;
  /** Which of the machine's interfaces, from 0, the default. */
  nic?: pulumi.Input<number>;
  /** The address that is wanted. Default: the lowest free one. */
  address?: pulumi.Input<string | undefined>;
  /** Leave it out: a refresh makes it false where the lease on the host is gone. */
  leased?: pulumi.Input<boolean>;
}

/**
 * An address of a microVM's network, taken on the host under a lock and kept until the resource is
 * deleted.
 */
export class MicroVmAddress extends pulumi.CustomResource {
  /** The leased address. */
  declare readonly address: pulumi.Output<string>;
  /** The host that it is on, as machine-id(5) knows it. */
  declare readonly hostId: pulumi.Output<string | undefined>;

  constructor(
    name: string,
    args: MicroVmAddressArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "corral-ops:index:MicroVmAddress",
      name,
      { ...withSecrets(args, ["privateKey"]), hostId: undefined },
      opsOptions(opts),
    );
  }
}
