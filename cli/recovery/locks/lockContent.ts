import type { StateLock } from "./stackLocks";

/** What is written into a lock (backend/diy/lock.go of Pulumi). */
interface LockContent {
  readonly pid: number;
  readonly username: string;
  readonly hostname: string;
  /** RFC 3339. */
  readonly timestamp: string;
}

/** Reads a lock; undefined when the text is none (yet). */
export function parseLock(key: string, text: string): StateLock | undefined {
  const content = parseJson(text) as Partial<LockContent> | undefined | null;
  const createdAt = new Date(content?.timestamp ?? "");
  if (
    content?.pid === undefined ||
    !Number.isInteger(content.pid) ||
    Number.isNaN(createdAt.getTime())
  ) {
    return undefined;
  }
  const { pid, username = "", hostname = "" } = content;
  return { key, pid, user: username, host: hostname, createdAt };
}

/** The text of a lock. */
export function lockText(lock: StateLock): string {
  const content: LockContent = {
    pid: lock.pid,
    username: lock.user,
    hostname: lock.host,
    timestamp: lock.createdAt.toISOString(),
  };
  return JSON.stringify(content);
}

/** Who has a lock, since when: for messages. */
export function lockLine({ user, host, pid, createdAt }: StateLock): string {
  return `${user}@${host} (process ${pid}) since ${createdAt.toISOString()}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
