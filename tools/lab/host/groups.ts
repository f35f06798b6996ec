import * as fs from "node:fs";
import * as path from "node:path";

import { becomes } from "../processes";

/**
 * The folders of this process's control groups, one for each hierarchy.
 *
 * @param groups text of /proc/self/cgroup.
 * @param mounts text of /proc/self/mounts.
 */
export function groupFolders(groups: string, mounts: string): string[] {
  const mounted = mounts
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, , type]) => type === "cgroup" || type === "cgroup2");
  return groups
    .trim()
    .split("\n")
    .flatMap((line) => {
      const [, controllers = "", group = "/"] =
        /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
      const mount = mounted.find(([, , type, options = ""]) =>
        controllers === ""
          ? type === "cgroup2"
          : type === "cgroup" &&
            controllers
              .split(",")
              .every((name) => options.split(",").includes(name)),
      );
      return mount?.[1] === undefined
        ? []
        : [path.resolve(mount[1], `.${group}`)];
    });
}

/**
 * Groups of one host's own in every hierarchy, below those of this process: what the host uses still
 * counts as this process's. Without them systemd in a container accepts limits and holds none.
 */
export class HostGroups {
  private constructor(readonly folders: readonly string[]) {}

  static make(name: string): HostGroups {
    const groups = HostGroups.of(name);
    for (const folder of groups.folders) {
      fs.mkdirSync(folder, { recursive: true });
      // A cpuset without processors takes no process.
      for (const file of ["cpuset.cpus", "cpuset.mems"]) {
        const from = path.join(path.dirname(folder), file);
        if (fs.existsSync(from)) {
          fs.writeFileSync(path.join(folder, file), fs.readFileSync(from));
        }
      }
    }
    return groups;
  }

  /** Those of a host that was made before, here or by a process that is gone. */
  static of(name: string): HostGroups {
    const own = groupFolders(
      fs.readFileSync("/proc/self/cgroup", "utf8"),
      fs.readFileSync("/proc/self/mounts", "utf8"),
    );
    return new HostGroups(own.map((folder) => path.join(folder, name)));
  }

  /**
   * Removes them with all that is in them: a container that was killed may leave its first process,
   * and what that has started.
   */
  async remove(): Promise<void> {
    for (const folder of this.folders) {
      await becomes(() => removed(folder), 10);
    }
  }
}

function endAll(group: string): void {
  const pids = fs.readFileSync(path.join(group, "cgroup.procs"), "utf8");
  for (const pid of pids.split("\n").filter((line) => line !== "")) {
    process.kill(Number(pid), "SIGKILL");
  }
}

/** A group and all below it, the innermost first. */
function groupsBelow(folder: string): string[] {
  if (!fs.existsSync(folder)) {
    return [];
  }
  const inside = fs.readdirSync(folder, { recursive: true }) as string[];
  const groups = inside
    .map((entry) => path.join(folder, entry))
    .filter((entry) => fs.statSync(entry).isDirectory())
    .sort((one, other) => other.length - one.length);
  return [...groups, folder];
}

function removed(folder: string): boolean {
  try {
    groupsBelow(folder).forEach(endAll);
    groupsBelow(folder).forEach((group) => fs.rmdirSync(group));
    return true;
  } catch {
    return false; // A process is still on its way out.
  }
}
