import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { findProcess, listProcesses, readProc } from "../recovery/processes";

/** How the names of the folders begin; the process that made it follows. */
const PREFIX = "corral-pulumi-";

/**
 * Runs Pulumi with a temporary folder of its own, which goes with the run: Pulumi's plugin of Kubernetes
 * writes the kubeconfig that it is given into the temporary folder, at each run, and leaves it there (seen
 * with 4.18.1).
 *
 * @param run gets the variables for Pulumi's environment.
 */
export async function withScratch<T>(
  run: (env: Readonly<Record<string, string>>) => Promise<T>,
): Promise<T> {
  const folder = fs.mkdtempSync(
    path.join(os.tmpdir(), `${PREFIX}${process.pid}-`),
  );
  try {
    return await run({ TMPDIR: folder });
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Removes the folders of runs of which no process is left: they were killed. On a system without /proc
 * nobody can tell, and they stay.
 *
 * @returns those that were removed.
 */
export function removeDeadScratch(): string[] {
  if (!fs.existsSync("/proc/self/stat")) {
    return [];
  }
  const dead = fs
    .readdirSync(os.tmpdir())
    .filter((name) => isOfDead(name))
    .map((name) => path.join(os.tmpdir(), name))
    .filter((folder) => fs.statSync(folder).uid === process.getuid?.());
  if (dead.length === 0) {
    return [];
  }
  const inUse = new Set(
    listProcesses().flatMap(({ pid }) => {
      const variables = (readProc(pid, "environ") ?? "").split("\0");
      return variables.find((one) => one.startsWith("TMPDIR=")) ?? [];
    }),
  );
  const unused = dead.filter((folder) => !inUse.has(`TMPDIR=${folder}`));
  unused.forEach((folder) =>
    fs.rmSync(folder, { recursive: true, force: true }),
  );
  return unused;
}

function isOfDead(name: string): boolean {
  const [, pid] = new RegExp(`^${PREFIX}(\\d+)-`).exec(name) ?? [];
  return pid !== undefined && findProcess(Number(pid)) === undefined;
}
