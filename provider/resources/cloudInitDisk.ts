import { randomUUID } from "node:crypto";
import * as fs from "node:fs/promises";

import type { LibvirtClient } from "@corral-iac/corral/core/libvirt-client/client";
import { isFault } from "@corral-iac/corral/core/libvirt-client/errors";
import { Type } from "@sinclair/typebox";

import type { OperationContext } from "../frame/context";
import { defineResource, fields } from "../frame/define";
import { withSeed } from "../guest/seedDisk";
import { libvirtAt, uriFaults, uriField } from "./libvirtFields";

const UPLOAD_SECONDS = 300;

const document = (description: string) =>
  Type.String({ replaces: true, description });

/** The CD with a libvirt guest's cloud-init documents. */
export const cloudInitDisk = defineResource({
  token: "corral-ops:index:CloudInitDisk",
  description:
    "A CD image with cloud-init's documents as a volume in a storage pool (NoCloud data source). " +
    "Stands in for the libvirt provider's own, which reads the image back after each creation and " +
    "on each refresh, and whose libvirt library can lock up in that for good.",
  deleteBeforeReplace: true,
  inputs: fields({
    uri: uriField({ replaces: true }),
    pool: Type.String({
      minLength: 1,
      replaces: true,
      description: "Name of the storage pool.",
    }),
    name: Type.String({
      pattern: "^[A-Za-z0-9_][A-Za-z0-9_.+@-]{0,199}$",
      allowed:
        "a file name of at most 200 letters, digits and _ . + @ -, that starts with a letter, a " +
        "digit or _",
      replaces: true,
      description: "Name of the volume.",
    }),
    userData: Type.String({
      secret: true,
      replaces: true,
      description: "cloud-init's user-data.",
    }),
    metaData: document("cloud-init's meta-data."),
    networkConfig: document("cloud-init's network-config."),
  }),
  outputs: fields({
    diskId: Type.String({
      description:
        "Id as the libvirt provider's `Domain.cloudinit` takes it: the volume's key, `;`, a UUID.",
    }),
  }),

  checks: ({ uri }) => uriFaults("uri", uri),

  async create(ctx, inputs) {
    return withSeed(ctx, inputs, async (iso) => {
      const key = await upload(ctx, iso, inputs);
      const diskId = `${key};${randomUUID()}`;
      return { id: diskId, outputs: { diskId } };
    });
  },

  async read(ctx, _id, state) {
    const { uri, pool, name } = state.inputs;
    try {
      await libvirtAt(uri).virsh.run(["vol-key", name, "--pool", pool], ctx);
      return state;
    } catch (error) {
      if (isGone(error)) {
        return undefined;
      }
      throw error;
    }
  },

  async delete(ctx, _id, { inputs: { uri, pool, name } }) {
    try {
      await libvirtAt(uri).deleteVolume(pool, name, ctx);
    } catch (error) {
      if (!isGone(error)) {
        throw error;
      }
    }
  },
});

/** Uploads the image into a new volume, and takes the volume away again when that fails. */
async function upload(
  ctx: OperationContext,
  iso: string,
  target: {
    readonly uri: string;
    readonly pool: string;
    readonly name: string;
  },
): Promise<string> {
  const { uri, pool, name } = target;
  const client: LibvirtClient = libvirtAt(uri);
  const { size } = await fs.stat(iso);
  const format = ["--format", "raw"];
  await client.virsh.run(
    ["vol-create-as", pool, name, `${size}B`, ...format],
    ctx,
  );
  try {
    await client.virsh.run(["vol-upload", name, iso, "--pool", pool], {
      ...ctx,
      timeoutSeconds: UPLOAD_SECONDS,
    });
    return (
      await client.virsh.run(["vol-key", name, "--pool", pool], ctx)
    ).trim();
  } catch (error) {
    // Without the signal: what was begun is taken back also when the operation was cancelled.
    await client.deleteVolume(pool, name).catch(() => undefined);
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return isFault(error, "noVolume", "noPool");
}
