import { randomUUID } from "node:crypto";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import type { LockStore } from "./lockStore";

/** The objects of a `file://` backend: files in a folder. */
export class FileLockStore implements LockStore {
  constructor(private readonly root: string) {}

  async keys(folder: string): Promise<string[]> {
    const entries = await unlessMissing(() =>
      fs.readdir(this.file(folder), { withFileTypes: true }),
    );
    return (entries ?? [])
      .filter((entry) => entry.isFile() && !entry.name.endsWith(ATTRIBUTES))
      .map((entry) => `${folder}/${entry.name}`);
  }

  read(key: string): Promise<string | undefined> {
    return unlessMissing(() => fs.readFile(this.file(key), "utf8"));
  }

  async write(key: string, text: string): Promise<void> {
    const target = this.file(key);
    await fs.mkdir(path.dirname(target), { recursive: true });
    // At the top, where no stack has its locks: beside the target it would count as one.
    const draft = this.file(`.pulumi/corral-${randomUUID()}.tmp`);
    try {
      await fs.writeFile(draft, text);
      await fs.rename(draft, target);
    } catch (error) {
      await fs.rm(draft, { force: true });
      throw error;
    }
  }

  async remove(key: string): Promise<void> {
    await fs.rm(this.file(key), { force: true });
    await fs.rm(this.file(`${key}${ATTRIBUTES}`), { force: true });
  }

  private file(key: string): string {
    return path.join(this.root, ...key.split("/"));
  }
}

/** What the library below Pulumi's backends keeps beside an object, and does not list. */
const ATTRIBUTES = ".attrs";

async function unlessMissing<T>(
  look: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return undefined;
    }
    throw error;
  }
}
