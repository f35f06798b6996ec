import { randomUUID } from "node:crypto";
import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";

import { processExists } from "@corral-iac/corral/core/processes";
import type { LibvirtClient } from "@corral-iac/corral/core/libvirt-client/client";
import { isFault } from "@corral-iac/corral/core/libvirt-client/errors";
import {
  ProcessError,
  runProcess,
} from "@corral-iac/corral/core/libvirt-client/process";
import { Type } from "@sinclair/typebox";

import type { OperationContext } from "../frame/context";
import { defineResource, fields } from "../frame/define";
import { libvirtAt, uriFaults, uriField } from "./libvirtFields";

const ISO_SECONDS = 60;
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
    await removeStaleSeeds();
    const folder = await fs.mkdtemp(
      path.join(os.tmpdir(), `${SEED_PREFIX}${process.pid}-`),
    );
    try {
      const iso = await makeIso(ctx, folder, inputs);
      const key = await upload(ctx, iso, inputs);
      const diskId = `${key};${randomUUID()}`;
      return { id: diskId, outputs: { diskId } };
    } finally {
      await fs.rm(folder, { recursive: true, force: true });
    }
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

/** Temporary folders; the number of their process follows, so that a dead one's are known. */
const SEED_PREFIX = "corral-seed-";

/** A killed plugin cannot tidy up, and the documents hold secrets: the next one does it. */
async function removeStaleSeeds(): Promise<void> {
  for (const name of await fs.readdir(os.tmpdir())) {
    const pid = /^corral-seed-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !processExists(Number(pid))) {
      // Another user's, and one that another plugin is removing right now, is not ours to remove.
      await fs
        .rm(path.join(os.tmpdir(), name), { recursive: true, force: true })
        .catch(() => undefined);
    }
  }
}

interface Documents {
  readonly userData: string;
  readonly metaData: string;
  readonly networkConfig: string;
}

/** Makes the image; its label is how cloud-init knows it. The folder is readable by its owner alone. */
async function makeIso(
  ctx: OperationContext,
  folder: string,
  documents: Documents,
): Promise<string> {
  const files = {
    "user-data": documents.userData,
    "meta-data": documents.metaData,
    "network-config": documents.networkConfig,
  };
  const paths: string[] = [];
  for (const [name, content] of Object.entries(files)) {
    paths.push(path.join(folder, name));
    await fs.writeFile(path.join(folder, name), content, { mode: 0o600 });
  }
  const iso = path.join(folder, "seed.iso");
  const args = ["-quiet", "-output", iso, "-volid", "cidata", "-joliet"];
  const made = await runProcess("mkisofs", [...args, "-rock", ...paths], {
    signal: ctx.signal,
    timeoutSeconds: ISO_SECONDS,
  }).catch((error: unknown) => {
    if (error instanceof ProcessError && error.fault === "missing") {
      throw new Error(
        "mkisofs is not installed; on Debian and Ubuntu: apt-get install genisoimage",
      );
    }
    throw error;
  });
  if (made.code !== 0) {
    throw new Error(
      `mkisofs ended with code ${made.code}: ${made.stderr.trim()}`,
    );
  }
  return iso;
}

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
