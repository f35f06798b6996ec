import * as pulumi from "@pulumi/pulumi";
import { gibToBytes } from "../core/units";
import { LibvirtDisk } from "../guest/ops/libvirtDisk";
import type { LibvirtDataDiskArgs } from "./args";
import { keepsDataDisks } from "../shared/keepsDataDisks";
import { dataDiskVolume } from "./dataDiskRules";

/** Where a machine's data disks are made. */
export interface DataDiskPlace {
  readonly uri: pulumi.Output<string>;
  readonly pool: pulumi.Output<string>;
  /** Name of the machine's domain. */
  readonly domain: string;
  readonly shortId: pulumi.Output<string>;
}

/** Makes the data disks of a machine, in their order. */
export function makeDataDisks(
  parent: pulumi.ComponentResource,
  name: string,
  disks: readonly LibvirtDataDiskArgs[],
  { uri, pool, domain, shortId }: DataDiskPlace,
): LibvirtDisk[] {
  return disks.map(({ name: disk, sizeGib, adopt, ...given }) => {
    const keep = given.keep ?? keepsDataDisks();
    return new LibvirtDisk(
      `${name}-data-${disk}`,
      {
        uri,
        pool,
        name: shortId.apply((id) =>
          dataDiskVolume({ domain, disk, keep, shortId: id }),
        ),
        sizeBytes: pulumi.output(sizeGib).apply(gibToBytes),
        keep,
        adopt,
      },
      { parent, retainOnDelete: keep },
    );
  });
}
