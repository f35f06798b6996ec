import * as fs from "node:fs";
import * as path from "node:path";
import { know, type KnownProcess } from "@corral-iac/tools/lab/processes";

/** Variable by which the processes of one run of the engine are known, whoever their parent is. */
export const RUN_VARIABLE = "CORRAL_KILL_HARNESS_RUN";

/** All running processes that inherited a run's mark: the engine and what it started. */
export function processesOf(mark: string): KnownProcess[] {
  const entry = `${RUN_VARIABLE}=${mark}`;
  return fs
    .readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => read(pid, "environ").split("\0").includes(entry))
    .flatMap((pid) => know(programOf(pid), Number(pid)) ?? []);
}

/** The program's name; of a script its own, not its interpreter's. */
function programOf(pid: string): string {
  const [first = "", second = ""] = read(pid, "cmdline").split("\0");
  const name = path.basename(first);
  return name === "node" ? `node ${path.basename(second)}` : name;
}

/** Empty for a process that ended meanwhile. */
function read(pid: string, file: "environ" | "cmdline"): string {
  try {
    return fs.readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
