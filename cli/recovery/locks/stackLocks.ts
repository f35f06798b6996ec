import { lockLine } from "./lockContent";

/** A lock on a stack, as the Pulumi CLI keeps it in a backend of one's own. */
export interface StateLock {
  /** The process that took it. */
  readonly pid: number;
  readonly user: string;
  readonly host: string;
  readonly createdAt: Date;
  /** Where it is in the backend; it names this lock and never another. */
  readonly key: string;
}

/** The locks of one stack. */
export interface StackLocks {
  /** All locks on the stack, whoever has them. */
  list(): Promise<StateLock[]>;

  /** Removes a lock; does nothing when it is gone already. */
  break(lock: StateLock): Promise<void>;

  /**
   * Locks the stack for this process, so that no engine works on it.
   *
   * @throws StackLockedError when the stack is locked.
   */
  hold(): Promise<HeldLock>;
}

/** A lock of this process. */
export interface HeldLock extends StateLock {
  /** Gives the lock back; may be called again. */
  release(): Promise<void>;
}

/** Somebody works on the stack. */
export class StackLockedError extends Error {
  override readonly name = "StackLockedError";

  constructor(readonly locks: readonly StateLock[]) {
    super(
      `The stack is locked:\n${locks.map((lock) => `  by ${lockLine(lock)}`).join("\n")}\n` +
        "Wait until the work there is done. If you know that it is not going on any more, " +
        "remove the lock with `pulumi cancel`.",
    );
  }
}
