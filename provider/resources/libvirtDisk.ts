import { isFault } from "@corral-iac/corral/core/libvirt-client/errors";
import { findVolume } from "@corral-iac/corral/libvirt/inventory/lookups";
import { Type } from "@sinclair/typebox";

import { defineResource, fields } from "../frame/define";
import { diskRefusals, growDisk, makeDisk } from "./diskVolume";
import { libvirtAt, uriFaults, uriField } from "./libvirtFields";

/** A disk for the data of a libvirt machine. */
export const libvirtDisk = defineResource({
  token: "corral-ops:index:LibvirtDisk",
  description:
    "A disk for the data of a libvirt machine, a qcow2 volume: made empty, or taken up with what is " +
    "on it. It grows in place, also under a running machine, and never shrinks. One to keep is left " +
    "on the hypervisor when the resource is deleted.",
  inputs: fields({
    uri: uriField(),
    pool: Type.String({
      minLength: 1,
      replaces: true,
      description:
        "Name of the storage pool. That of a disk to keep cannot be changed.",
    }),
    name: Type.String({
      pattern: "^[A-Za-z0-9_][A-Za-z0-9_.+@-]{0,199}$",
      allowed:
        "a file name of at most 200 letters, digits and _ . + @ -, that starts with a letter, a " +
        "digit or _",
      description:
        "Name of the volume to make. A disk that exists keeps the name that it has.",
    }),
    sizeBytes: Type.Integer({
      minimum: 512,
      description:
        "Size that the guest sees, in bytes: at least this. It can only grow.",
    }),
    keep: Type.Boolean({
      description:
        "Whether the volume stays when the resource is deleted. Its name must say so from the beginning.",
    }),
    adopt: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          "Name of a volume that was kept, to take up instead of making one. Says nothing to a disk " +
          "that exists.",
      }),
    ),
  }),
  outputs: fields({
    diskId: Type.String({
      description:
        "The volume's key, as the libvirt provider's `Domain.disks` takes it.",
    }),
    volumeName: Type.String({
      description: "Name of the volume on the hypervisor.",
    }),
  }),

  checks: ({ uri }) => uriFaults("uri", uri),
  refusals: diskRefusals,

  async create(ctx, inputs) {
    const volume = await makeDisk(libvirtAt(inputs.uri), inputs, ctx);
    return {
      id: `${inputs.pool}/${volume.name}`,
      outputs: { diskId: volume.key, volumeName: volume.name },
    };
  },

  preview({ name, adopt }, old) {
    const volumeName = adopt ?? name;
    return (
      old?.outputs ?? (typeof volumeName === "string" ? { volumeName } : {})
    );
  },

  async read(ctx, _id, { inputs, outputs }) {
    const client = libvirtAt(inputs.uri);
    const { pool, keep } = inputs;
    try {
      await client.activePool(pool, ctx);
      // A file that was removed by hand is seen by this only.
      await client.refreshPoolIfIdle(pool, ctx);
    } catch (error) {
      // Data in a pool that cannot be seen right now is not gone.
      if (!keep && isFault(error, "noPool")) {
        return undefined;
      }
      throw error;
    }
    const found = await findVolume(client, pool, outputs.volumeName, ctx);
    if (found === undefined) {
      return undefined;
    }
    // One that was grown by hand has what was asked for, and more.
    const sizeBytes = Math.min(inputs.sizeBytes, found.capacityBytes);
    return { inputs: { ...inputs, sizeBytes }, outputs };
  },

  async update(
    ctx,
    _id,
    { inputs: before, outputs },
    { uri, pool, sizeBytes },
  ) {
    const disk = { pool, name: outputs.volumeName, sizeBytes };
    await growDisk(libvirtAt(uri), disk, ctx).catch((error: unknown) => {
      throw uri === before.uri || !isFault(error, "noVolume", "noPool")
        ? error
        : new Error(
            `${disk.name} is at ${before.uri} and not at ${uri}: a disk is not moved to another hypervisor, a new uri can only be another way to the same one. ` +
              "To begin with an empty disk there, give the disk another name",
            { cause: error },
          );
    });
    return outputs;
  },

  async delete(ctx, _id, { inputs: { uri, pool, keep }, outputs }) {
    if (keep) {
      ctx.log.info(`left on the hypervisor: ${outputs.volumeName}`);
      return;
    }
    try {
      await libvirtAt(uri).deleteVolume(pool, outputs.volumeName, ctx);
    } catch (error) {
      if (!isFault(error, "noVolume", "noPool")) {
        throw error;
      }
    }
  },
});
