import * as pulumi from "@pulumi/pulumi";
import { LONGEST_SHARED_NAME } from "../core/nameRule";
import { objectName } from "../core/names";
import { checkComponent } from "../shared/checkArgs";
import { stampComponent } from "../shared/identity";
import * as libvirt from "../sdks/libvirt";
import type { LibvirtPoolArgs } from "./args";
import { checkSameHypervisor, hypervisorOf } from "./hypervisor";
import { guardPool } from "./preflight";
import { validateLibvirtPool } from "./validation";

/**
 * A directory storage pool on a libvirt host, for the disks of several machines.
 * Its volumes are deleted with their machines; the directory goes with the pool.
 * (https://libvirt.org/storage.html#directory-pool)
 */
export class LibvirtPool extends pulumi.ComponentResource {
  /** Name of the pool on the hypervisor. */
  public readonly name: pulumi.Output<string>;

  constructor(
    name: string,
    args: LibvirtPoolArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("corral:index:LibvirtPool", name, args, opts);
    const checked = checkSameHypervisor(
      this,
      `LibvirtPool "${name}"`,
      args.uri,
      checkComponent(
        { type: "LibvirtPool", name, longestName: LONGEST_SHARED_NAME },
        args,
        validateLibvirtPool,
      ),
    );
    const { identity, shortId } = stampComponent(
      this,
      "LibvirtPool",
      name,
      checked,
    );
    const { uri, resource } = hypervisorOf(this, name, args.uri);

    const pool = new libvirt.Pool(
      `${name}-pool`,
      {
        // Pools have no field for a stamp: the short form stands in the name.
        name: pulumi.interpolate`${objectName(identity)}-${shortId}`,
        type: "dir",
        target: { path: args.path },
      },
      { ...resource, deleteBeforeReplace: true, ...guardPool(uri) },
    );

    this.name = pool.name;
    this.registerOutputs({ name: this.name });
  }
}
