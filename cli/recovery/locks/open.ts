import { backendScheme } from "../backendUrl";
import { DiyStackLocks } from "./diyStackLocks";
import { FileLockStore } from "./fileLockStore";
import { folderOf } from "./fileUrl";
import type { LockStore } from "./lockStore";
import type { StackLocks } from "./stackLocks";

/** Which stack, in which backend. */
export interface StackAddress {
  readonly backendUrl: string;
  readonly project: string;
  /** The stack's name alone, without organization and project. */
  readonly stack: string;
  /** What a relative `file://` path starts from: where pulumi runs. Default: where this process runs. */
  readonly workingFolder?: string;
}

/**
 * The locks of a stack.
 *
 * @returns undefined for a backend that cannot be looked into: Pulumi Cloud, which knows itself
 * who is at work, S3, Azure and Google buckets.
 * @throws Error when the URL is not one that the backend understands.
 */
export async function openStackLocks(
  address: StackAddress,
): Promise<StackLocks | undefined> {
  const store = await openStore(address);
  const { project, stack } = address;
  return store && new DiyStackLocks(store, { project, name: stack });
}

async function openStore({
  backendUrl,
  workingFolder = process.cwd(),
}: StackAddress): Promise<LockStore | undefined> {
  switch (backendScheme(backendUrl)) {
    case "file":
      return new FileLockStore(folderOf(backendUrl, workingFolder));
    case "postgres": {
      // Loaded by those who need it: no other backend has to wait for the database's client.
      const { PostgresLockStore } = await import("./postgresLockStore.js");
      return PostgresLockStore.open(backendUrl);
    }
    default:
      return undefined;
  }
}
