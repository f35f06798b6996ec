import * as pulumi from "@pulumi/pulumi";
import { LONGEST_SHARED_NAME } from "../core/nameRule";
import { objectName } from "../core/names";
import { checkComponent } from "../shared/checkArgs";
import { stampComponent } from "../shared/identity";
import * as libvirt from "../sdks/libvirt";
import type { LibvirtImageArgs } from "./args";
import { checkSameHypervisor, hypervisorOf } from "./hypervisor";
import { guardVolume } from "./preflight";
import { validateLibvirtImage } from "./validation";

/**
 * A disk image uploaded once to a libvirt host, on which the root disks of several machines are
 * overlays. (https://libvirt.org/formatstorage.html#backing-store-elements)
 */
export class LibvirtImage extends pulumi.ComponentResource {
  /** Name of the volume on the hypervisor. */
  public readonly name: pulumi.Output<string>;
  /** Pool that holds the volume. */
  public readonly pool: pulumi.Output<string>;

  constructor(
    name: string,
    args: LibvirtImageArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("corral:index:LibvirtImage", name, args, opts);
    const checked = checkSameHypervisor(
      this,
      `LibvirtImage "${name}"`,
      args.uri,
      checkComponent(
        { type: "LibvirtImage", name, longestName: LONGEST_SHARED_NAME },
        args,
        validateLibvirtImage,
      ),
    );
    const { identity, shortId } = stampComponent(
      this,
      "LibvirtImage",
      name,
      checked,
    );
    const { uri, resource } = hypervisorOf(this, name, args.uri);

    const volume = new libvirt.Volume(
      `${name}-image`,
      {
        name: pulumi.interpolate`${objectName(identity)}-image-${shortId}`,
        pool: args.pool ?? "default",
        source: imageSource(args),
      },
      { ...resource, deleteBeforeReplace: true, ...guardVolume(uri) },
    );

    this.name = volume.name;
    this.pool = volume.pool.apply((pool) => pool ?? "default");
    this.registerOutputs({ name: this.name, pool: this.pool });
  }
}

/** The provider's `source`: a path or an address. */
export function imageSource(image: {
  path?: pulumi.Input<string>;
  url?: pulumi.Input<string>;
}): pulumi.Input<string> {
  return image.path ?? image.url ?? "";
}
