import type {
  LibvirtClient,
  StoragePool,
} from "@corral-iac/corral/core/libvirt-client/client";
import { isFault } from "@corral-iac/corral/core/libvirt-client/errors";
import { Type } from "@sinclair/typebox";

import { defineResource, fields } from "../frame/define";
import { libvirtAt, uriFaults, uriField } from "./libvirtFields";

/** Where a libvirt domain writes its console. */
export const consoleLog = defineResource({
  token: "corral-ops:index:ConsoleLog",
  description:
    "Where a libvirt domain writes its console: a file in the folder of a storage pool. libvirt " +
    "makes the file when the domain starts; deleting this resource removes it and its rotations.",
  inputs: fields({
    uri: uriField({ replaces: true }),
    pool: Type.String({
      minLength: 1,
      replaces: true,
      description:
        "Name of the storage pool that the file lies in; of type `dir`.",
    }),
    fileName: Type.String({
      pattern: "^[A-Za-z0-9_][A-Za-z0-9_.+@-]{0,199}$",
      allowed:
        "a file name of at most 200 letters, digits and _ . + @ -, that starts with a letter, a " +
        "digit or _",
      replaces: true,
      description: "Name of the file in the pool's folder.",
    }),
  }),
  outputs: fields({
    path: Type.String({
      description: "Absolute path of the file on the hypervisor.",
    }),
  }),

  checks: ({ uri }) => uriFaults("uri", uri),

  async create(ctx, { uri, pool: name, fileName }) {
    const pool = await libvirtAt(uri).pool(name, ctx);
    if (!pool.active) {
      throw new Error(
        `the pool "${name}" at ${uri} is not active; start it: virsh -c ${uri} pool-start ${name}`,
      );
    }
    return {
      id: `${name}/${fileName}`,
      outputs: { path: pathIn(pool, uri, fileName) },
    };
  },

  async read(ctx, _id, { inputs }) {
    try {
      const pool = await libvirtAt(inputs.uri).pool(inputs.pool, ctx);
      return {
        inputs,
        outputs: { path: pathIn(pool, inputs.uri, inputs.fileName) },
      };
    } catch (error) {
      if (isFault(error, "noPool")) {
        return undefined;
      }
      throw error;
    }
  },

  async delete(ctx, _id, { inputs }) {
    await removeFiles(
      libvirtAt(inputs.uri),
      inputs.pool,
      inputs.fileName,
      ctx.signal,
    );
  },
});

function pathIn(pool: StoragePool, uri: string, fileName: string): string {
  if (pool.type !== "dir" && pool.type !== "fs" && pool.type !== "netfs") {
    throw new Error(
      `the pool "${pool.name}" at ${uri} is of type ${pool.type}; a console's file needs a pool of type dir`,
    );
  }
  return `${pool.targetPath.replace(/\/+$/, "")}/${fileName}`;
}

/** Removes the file and its rotations (`NAME.0`, `NAME.1`, ...); what is gone is gone. */
export async function removeFiles(
  client: LibvirtClient,
  pool: string,
  fileName: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    if (!(await client.pool(pool, { signal })).active) {
      // Its files cannot be reached through libvirt, and a pool that is off is somebody's decision.
      return;
    }
    await client.refreshPool(pool, { signal });
    const volumes = await client.volumeNames(pool, { signal });
    for (const volume of volumes.filter((name) => isRotation(name, fileName))) {
      await client.deleteVolume(pool, volume, { signal }).catch(unlessGone);
    }
  } catch (error) {
    unlessGone(error);
  }
}

/** True for the file itself and for what virtlogd made of it when it grew too large. */
export function isRotation(name: string, fileName: string): boolean {
  return (
    name === fileName ||
    (name.startsWith(`${fileName}.`) &&
      /^\d+$/.test(name.slice(fileName.length + 1)))
  );
}

function unlessGone(error: unknown): void {
  if (!isFault(error, "noPool", "noVolume")) {
    throw error;
  }
}
