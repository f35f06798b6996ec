import * as pulumi from "@pulumi/pulumi";
import type { OnMicroVmHost } from "./microVm";
import { opsOptions } from "./plugin";

/** Arguments of {@link MicroVmNetwork}. */
export interface MicroVmNetworkArgs extends OnMicroVmHost {
  /** The host's name or address, as in `connection`: another one is another host. */
  host: pulumi.Input<string>;
  /** Name of the network on the host. */
  network: pulumi.Input<string>;
  /** The machines' subnet, for example `10.0.0.0/24`. */
  subnet: pulumi.Input<string>;
  /** The host's own address in it. */
  gateway: pulumi.Input<string>;
  /** Whether the outside sees the host's address instead of the machines'. Default true. */
  nat?: pulumi.Input<boolean | undefined>;
  /** The host's interface into whose network the machines go. Default: a network of their own. */
  lan?: pulumi.Input<string | undefined>;
  /** `kvm` (default) or `tcg`. */
  acceleration?: pulumi.Input<string | undefined>;
  /** Hypervisors that have to be on the host. Default: any one. */
  hypervisors?: pulumi.Input<pulumi.Input<string>[] | undefined>;
  /** Memory that has to be available on the host, in MiB. Default 0. */
  freeMemoryMib?: pulumi.Input<number | undefined>;
  /** Disk that has to be free on the host at /var/lib, in GiB. Default 0. */
  freeDiskGib?: pulumi.Input<number | undefined>;
  /** Leave it out: a refresh puts here what on the host is not as declared. */
  drift?: pulumi.Input<pulumi.Input<string>[]>;
}

/**
 * A network of microVMs on a Linux host. The host is looked at first: everything that it lacks is
 * reported at once, with nothing changed.
 */
export class MicroVmNetwork extends pulumi.CustomResource {
  /** Tells this network from one that was made later. */
  declare readonly token: pulumi.Output<string>;
  /** The systemd unit that brings the network up. */
  declare readonly unitName: pulumi.Output<string>;
  /** Versions of the hypervisors that were found on the host. */
  declare readonly versions: pulumi.Output<Record<string, string>>;
  /** The host's own id (machine-id(5)). */
  declare readonly machineId: pulumi.Output<string>;

  constructor(
    name: string,
    args: MicroVmNetworkArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "corral-ops:index:MicroVmNetwork",
      name,
      {
        ...args,
        token: undefined,
        unitName: undefined,
        versions: undefined,
        machineId: undefined,
      },
      opsOptions(opts),
    );
  }
}
