/** The parts of a task's id. */
export interface Upid {
  readonly node: string;
  readonly pid: number;
  /** Ticks since boot at which the process began. */
  readonly processStart: number;
  /** Seconds since 1970. */
  readonly startTime: number;
  /** For instance `qmclone`. */
  readonly type: string;
  /** What it works on: a machine's id, mostly. */
  readonly id: string;
  /** `USER@REALM`, or `USER@REALM!TOKEN`. */
  readonly user: string;
}

const pattern =
  /^UPID:([a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?):([0-9A-F]{8}):([0-9A-F]{8,9}):([0-9A-F]{8}):([^:\s]+):([^:\s]*):([^:\s]+):$/i;

export function renderUpid(upid: Upid): string {
  return [
    "UPID",
    upid.node,
    hex(upid.pid),
    hex(upid.processStart),
    hex(upid.startTime),
    upid.type,
    upid.id,
    upid.user,
    "",
  ].join(":");
}

/** Undefined for a text that is no task's id. */
export function parseUpid(text: string): Upid | undefined {
  const match = pattern.exec(text);
  if (match === null) {
    return undefined;
  }
  const [, node = "", , pid = "", pstart = "", start = "", type = "", id = ""] =
    match;
  return {
    node,
    pid: parseInt(pid, 16),
    processStart: parseInt(pstart, 16),
    startTime: parseInt(start, 16),
    type,
    id,
    user: match[8] ?? "",
  };
}

function hex(value: number): string {
  return value.toString(16).toUpperCase().padStart(8, "0");
}
