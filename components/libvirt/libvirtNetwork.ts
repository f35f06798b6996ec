import * as pulumi from "@pulumi/pulumi";
import { LONGEST_SHARED_NAME } from "../core/nameRule";
import { objectName } from "../core/names";
import { checkComponent } from "../shared/checkArgs";
import { stampComponent } from "../shared/identity";
import * as libvirt from "../sdks/libvirt";
import type { LibvirtNetworkArgs } from "./args";
import { renderNetworkXslt } from "./domainXslt";
import { checkSameHypervisor, hypervisorOf } from "./hypervisor";
import { guardNetwork } from "./preflight";
import { validateLibvirtNetwork } from "./validation";

/**
 * A NAT network with DHCP and DNS on a libvirt host, for several machines.
 * (https://libvirt.org/formatnetwork.html#nat-based-network)
 */
export class LibvirtNetwork extends pulumi.ComponentResource {
  /** Name of the network on the hypervisor. */
  public readonly name: pulumi.Output<string>;

  constructor(
    name: string,
    args: LibvirtNetworkArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("corral:index:LibvirtNetwork", name, args, opts);
    const checked = checkSameHypervisor(
      this,
      `LibvirtNetwork "${name}"`,
      args.uri,
      checkComponent(
        { type: "LibvirtNetwork", name, longestName: LONGEST_SHARED_NAME },
        args,
        validateLibvirtNetwork,
      ),
    );
    const { identity, stamp } = stampComponent(
      this,
      "LibvirtNetwork",
      name,
      checked,
    );
    const { uri, resource } = hypervisorOf(this, name, args.uri);

    const network = new libvirt.Network(
      `${name}-network`,
      {
        name: objectName(identity),
        mode: "nat",
        addresses: [args.cidr],
        dhcp: { enabled: true },
        dns: { enabled: true },
        autostart: true,
        xml: { xslt: stamp.apply(renderNetworkXslt) },
      },
      { ...resource, deleteBeforeReplace: true, ...guardNetwork(uri) },
    );

    this.name = network.name;
    this.registerOutputs({ name: this.name });
  }
}
