import {
  listProcesses,
  readProc,
  readProcLink,
  type ProcessEntry,
} from "./processes";
import * as fs from "node:fs";

/** The kernel's number of the state "listening" in /proc/net/tcp. */
const LISTENING = "0A";

/**
 * True when the process that listened at an address before another one was started is no more.
 * Looks with the eyes of that other process, which may be in a network of its own. In doubt false.
 */
export function listenerGone(address: string, started: ProcessEntry): boolean {
  const port = Number(address.slice(address.lastIndexOf(":") + 1));
  const tables = ["net/tcp", "net/tcp6"].map((file) =>
    readProc(started.pid, file),
  );
  if (tables[0] === undefined || !Number.isInteger(port)) {
    return false;
  }
  const sockets = tables.flatMap((table) =>
    listeningSockets(table ?? "", port),
  );
  // Who listens now and is younger cannot have started it: the port has been given out again.
  return sockets.every((inode) => {
    const owner = ownerOf(inode);
    return owner !== undefined && owner.startTicks > started.startTicks;
  });
}

/** Inodes of the sockets that listen at a port, from the text of /proc/net/tcp. */
export function listeningSockets(table: string, port: number): string[] {
  return table
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, local = "", , state]) =>
        state === LISTENING && parseInt(local.split(":")[1] ?? "", 16) === port,
    )
    .map((fields) => fields[9] ?? "");
}

function ownerOf(inode: string): ProcessEntry | undefined {
  return listProcesses().find(({ pid }) =>
    openFiles(pid).some(
      (file) => readProcLink(pid, `fd/${file}`) === `socket:[${inode}]`,
    ),
  );
}

function openFiles(pid: number): string[] {
  try {
    return fs.readdirSync(`/proc/${pid}/fd`);
  } catch {
    return [];
  }
}
