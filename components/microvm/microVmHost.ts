import * as pulumi from "@pulumi/pulumi";
import { formatIpv4, leaseRange } from "../core/microvm/subnet";
import { SSH_PORT } from "../core/sshPort";
import type { GuestConnection } from "../guest/args";
import { openConnection } from "../guest/openConnection";
import { MicroVmNetwork } from "../guest/ops/microVmNetwork";
import { Accelerator } from "../libvirt/args";
import { checkComponent } from "../shared/checkArgs";
import { stampComponent } from "../shared/identity";
import { withSecrets } from "../shared/secrets";
import type { MicroVmPlace } from "./args";
import type { MicroVmHostArgs } from "./hostArgs";
import {
  DEFAULT_SUBNET,
  HOST_SECRETS,
  validateMicroVmHost,
} from "./hostValidation";

/**
 * A Linux host for microVMs, reached over ssh, and one network of machines on it: routed, closed
 * between machines, with NAT to the outside. Everything that the host lacks is reported at once,
 * before anything is changed there.
 */
export class MicroVmHost extends pulumi.ComponentResource {
  /** What a MicroVm takes as its `host`. */
  public readonly place: pulumi.Output<MicroVmPlace>;
  /** How the host itself is reached: what NfsMount and FileInjection take too. */
  public readonly connection: pulumi.Output<GuestConnection>;
  /** Name of the network on the host. */
  public readonly network: pulumi.Output<string>;
  /** The machines' subnet. */
  public readonly subnet: pulumi.Output<string>;
  /** The host's own address in it. */
  public readonly gateway: pulumi.Output<string>;
  /** Versions of the hypervisors that the host has. */
  public readonly hypervisors: pulumi.Output<Record<string, string>>;
  /** What runs the guests' instructions. */
  public readonly accelerator: pulumi.Output<Accelerator>;

  constructor(
    name: string,
    args: MicroVmHostArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(
      "corral:index:MicroVmHost",
      name,
      withSecrets(args, HOST_SECRETS),
      opts,
    );
    const checked = checkComponent(
      { type: "MicroVmHost", name },
      args,
      validateMicroVmHost,
    );
    const { stamp } = stampComponent(this, "MicroVmHost", name, checked);
    const given = connectionOf(args);
    const subnet = pulumi.output(args.subnet ?? DEFAULT_SUBNET);
    const gateway = pulumi
      .all([subnet, args.gateway])
      .apply(([cidr, given]) => given ?? firstAddress(cidr));
    const accelerator = pulumi.output(args.accelerator ?? Accelerator.Kvm);

    const network = new MicroVmNetwork(
      `${name}-network`,
      {
        connection: openConnection(given, checked),
        stamp,
        host: args.host,
        network: args.network ?? name,
        subnet,
        gateway,
        nat: pulumi
          .all([args.nat, args.lan])
          .apply(([nat, lan]) => nat ?? lan === undefined),
        lan: args.lan,
        acceleration: accelerator,
        hypervisors: args.hypervisors,
        freeMemoryMib: args.freeMemoryMib,
        freeDiskGib: args.freeDiskGib,
      },
      { parent: this },
    );

    // Nothing is done on a host that has not been looked at.
    const isThere = network.unitName.apply(() => true);
    this.connection = pulumi.output(
      openConnection(given, isThere),
    ) as pulumi.Output<GuestConnection>;
    this.network = pulumi
      .all([args.network ?? name, isThere])
      .apply(([known]) => known);
    this.subnet = subnet;
    this.gateway = gateway;
    this.hypervisors = network.versions;
    this.accelerator = accelerator;
    this.place = pulumi.output({
      connection: this.connection,
      network: this.network,
      subnet,
      gateway,
      acceleration: accelerator,
      ...(args.lan !== undefined && { lan: args.lan }),
    });
    this.registerOutputs({
      place: this.place,
      connection: this.connection,
      network: this.network,
      subnet: this.subnet,
      gateway: this.gateway,
      hypervisors: this.hypervisors,
      accelerator: this.accelerator,
    });
  }
}

function connectionOf(args: MicroVmHostArgs): GuestConnection {
  const { host, port, user, privateKey, hostKey, bastion } = args;
  return {
    host,
    port: port ?? SSH_PORT,
    user: user ?? "root",
    privateKey,
    hostKey,
    ...(bastion === undefined ? {} : { bastion }),
  };
}

/** Empty for what is no subnet: the check of the arguments says so. */
function firstAddress(subnet: string): string {
  const range = leaseRange(subnet, "0.0.0.0");
  return range === undefined ? "" : formatIpv4(range.first);
}
