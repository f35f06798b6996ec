import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";

import { ProcessError, runProcess } from "@corral-iac/corral/core/runProcess";
import { processExists } from "@corral-iac/corral/core/processes";

import type { OperationContext } from "../frame/context";

const ISO_SECONDS = 60;

/** Temporary folders; the number of their process follows, so that a dead one's are known. */
const SEED_PREFIX = "corral-seed-";

/**
 * Makes the CD image of cloud-init's documents, for as long as it is used: a file in a folder that its
 * owner alone can read.
 */
export async function withSeed<T>(
  ctx: Pick<OperationContext, "signal">,
  documents: Documents,
  use: (iso: string) => Promise<T>,
): Promise<T> {
  await removeStaleSeeds();
  const folder = await fs.mkdtemp(
    path.join(os.tmpdir(), `${SEED_PREFIX}${process.pid}-`),
  );
  try {
    return await use(await makeIso(ctx, folder, documents));
  } finally {
    await fs.rm(folder, { recursive: true, force: true });
  }
}

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

/** What cloud-init's NoCloud data source is made of. */
export interface Documents {
  readonly userData: string;
  readonly metaData: string;
  readonly networkConfig: string;
}

/** Its label is how cloud-init knows it. The folder is readable by its owner alone. */
async function makeIso(
  ctx: Pick<OperationContext, "signal">,
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
