import { randomUUID } from "node:crypto";
import * as os from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { parse } from "yaml";
import { lockText, parseLock } from "./lockContent";
import type { LockStore } from "./lockStore";
import {
  StackLockedError,
  type HeldLock,
  type StackLocks,
  type StateLock,
} from "./stackLocks";

const META = ".pulumi/meta.yaml";
const LOCKS = ".pulumi/locks";

/** For so long a lock may be seen half written. */
const WRITING_MILLISECONDS = 1000;

/** The locks of a stack in a backend of one's own, where the Pulumi CLI keeps and looks for them. */
export class DiyStackLocks implements StackLocks {
  constructor(
    private readonly store: LockStore,
    private readonly stack: { readonly project: string; readonly name: string },
  ) {}

  async list(): Promise<StateLock[]> {
    const keys = await this.store.keys(await this.folder());
    const locks = await Promise.all(keys.map((key) => this.readLock(key)));
    return locks.filter((lock) => lock !== undefined);
  }

  async break(lock: StateLock): Promise<void> {
    await this.store.remove(lock.key);
  }

  /**
   * As Pulumi does it: look, write, look again. Of two who come at the same moment at most one
   * gets the lock.
   */
  async hold(): Promise<HeldLock> {
    await this.mustBeFree();
    const lock: StateLock = {
      pid: process.pid,
      user: os.userInfo().username,
      host: os.hostname(),
      createdAt: new Date(),
      key: `${await this.folder()}/${randomUUID()}.json`,
    };
    const release = () => this.store.remove(lock.key);
    try {
      await this.store.write(lock.key, lockText(lock));
      await this.mustBeFree(lock.key);
    } catch (error) {
      await release();
      throw error;
    }
    return { ...lock, release };
  }

  private async mustBeFree(ownKey?: string): Promise<void> {
    const others = (await this.list()).filter(({ key }) => key !== ownKey);
    if (others.length > 0) {
      throw new StackLockedError(others);
    }
  }

  /** Undefined for a lock that went away while it was looked at. */
  private async readLock(key: string): Promise<StateLock | undefined> {
    const deadline = Date.now() + WRITING_MILLISECONDS;
    for (;;) {
      const text = await this.store.read(key);
      if (text === undefined) {
        return undefined;
      }
      const lock = parseLock(key, text);
      if (lock !== undefined) {
        return lock;
      }
      if (Date.now() > deadline) {
        throw new Error(
          `The stack is locked, and the lock does not say by whom (${key} in the state backend). ` +
            "If nobody works on the stack, remove the lock with `pulumi cancel`.",
        );
      }
      await delay(20);
    }
  }

  private async folder(): Promise<string> {
    const { project, name } = this.stack;
    return (await this.knowsProjects())
      ? `${LOCKS}/organization/${project}/${name}`
      : `${LOCKS}/${name}`;
  }

  /** Backends of Pulumi's older layout have no projects, and no version in their metadata. */
  private async knowsProjects(): Promise<boolean> {
    const meta = parse((await this.store.read(META)) ?? "") as {
      version?: number;
    } | null;
    return (meta?.version ?? 0) > 0;
  }
}
