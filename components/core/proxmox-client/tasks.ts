/** What a task's id says (https://pve.proxmox.com/wiki/Proxmox_VE_API, UPID). */
export interface Upid {
  readonly text: string;
  /** The node that it runs on. */
  readonly node: string;
  /** For instance `qmclone`. */
  readonly type: string;
  /** What it works on, such as a VM's id; for a clone that of its template. */
  readonly id: string;
  /** Who started it: `USER@REALM`, or `USER@REALM!TOKENID`. */
  readonly user: string;
  /** Seconds since 1970. */
  readonly startTime: number;
}

/** Takes a task's id apart; undefined when it is none. */
export function parseUpid(text: string): Upid | undefined {
  const match =
    /^UPID:([^:\s]+):[0-9A-F]+:[0-9A-F]+:([0-9A-F]+):([^:\s]+):([^:\s]*):([^:\s]+):/i.exec(
      text,
    );
  if (match === null) {
    return undefined;
  }
  const [, node = "", start = "", type = "", id = "", user = ""] = match;
  return { text, node, type, id, user, startTime: Number.parseInt(start, 16) };
}

/** How a task that has stopped went. */
export type TaskOutcome = "ok" | "warnings" | "failed";

/** Reads the `exitstatus` of a task that has stopped. */
export function taskOutcome(exitStatus: string | undefined): TaskOutcome {
  if (exitStatus === "OK") {
    return "ok";
  }
  return /^WARNINGS: \d+$/.test(exitStatus ?? "") ? "warnings" : "failed";
}

/** A line of a task's log. */
export interface TaskLogLine {
  readonly n: number;
  readonly t: string;
}

/** The lines that say something. An empty log has one that says so. */
export function logLines(log: readonly TaskLogLine[]): string[] {
  return log
    .map(({ t }) => t.trimEnd())
    .filter((line) => line.trim() !== "" && line !== "no content");
}

/** The warnings of a task's log. */
export function warningLines(log: readonly TaskLogLine[]): string[] {
  return logLines(log).flatMap((line) => {
    const [, warning] = /^(?:WARN|WARNING|warning):\s*(.*)$/i.exec(line) ?? [];
    return warning === undefined ? [] : [warning];
  });
}

/**
 * The id of the machine that a clone task makes, which its UPID does not tell. Proxmox VE 9 says it
 * in the first line of the log; undefined on older ones, and before the line is written.
 */
export function cloneTarget(log: readonly TaskLogLine[]): number | undefined {
  for (const line of logLines(log)) {
    const [, id] = /clone of VM \d+ with ID (\d+)/.exec(line) ?? [];
    if (id !== undefined) {
      return Number(id);
    }
  }
  return undefined;
}
