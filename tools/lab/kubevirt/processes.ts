import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

import { end, isRunning, know, type KnownProcess } from "../processes";
import type { Command } from "./parts";

/** The file in which a part writes. */
export function logFile(folder: string, name: string): string {
  return path.join(folder, "logs", `${name}.log`);
}

/** The last lines that a part wrote. */
export function lastLines(folder: string, name: string, count = 15): string {
  const file = logFile(folder, name);
  return fs.existsSync(file)
    ? fs.readFileSync(file, "utf8").trim().split("\n").slice(-count).join("\n")
    : "";
}

/**
 * Starts a part in the background.
 *
 * @param isBound ends it with this process, even when that is killed.
 */
export async function startProcess(
  folder: string,
  name: string,
  { command, args }: Command,
  isBound: boolean,
): Promise<KnownProcess> {
  const file = logFile(folder, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const output = fs.openSync(file, "a");
  const [program, ...rest] = isBound
    ? ["setpriv", "--pdeathsig", "KILL", "--", command, ...args]
    : [command, ...args];
  // KubeVirt's programs write their certificates there, and leave them.
  const temporary = path.join(folder, "tmp");
  fs.mkdirSync(temporary, { recursive: true, mode: 0o700 });
  const child = spawn(program ?? command, rest, {
    cwd: folder,
    env: { ...process.env, TMPDIR: temporary },
    detached: true,
    stdio: ["ignore", output, output],
  });
  fs.closeSync(output);
  const failed = new Promise<never>((_, reject) => child.on("error", reject));
  child.unref();
  if (child.pid === undefined) {
    return failed;
  }
  const known = know(name, child.pid);
  if (known === undefined) {
    throw new Error(`${name} ended at once:\n${lastLines(folder, name)}`);
  }
  return known;
}

/** Ends parts without patience: what they would still write dies with the lab. */
export async function killAll(
  processes: readonly KnownProcess[],
): Promise<void> {
  for (const known of processes) {
    if (isRunning(known)) {
      process.kill(known.pid, "SIGKILL");
    }
  }
  await Promise.all(processes.map((known) => end(known, 10)));
}
