import * as fs from "node:fs";
import * as path from "node:path";
import { virsh, virshList } from "../../../daemons";
import { isRunning, know, type KnownProcess } from "../../../processes";
import { idIn, imagesFolder, Names } from "./names";

/** File that names the process which guests belong to. */
export const ownerNote = "owner.json";

/** Notes which process a simulator's guests belong to. */
export function noteOwner(names: Names): void {
  fs.writeFileSync(
    path.join(names.folder, ownerNote),
    JSON.stringify(know("simulator", process.pid)),
  );
}

/**
 * Removes guests, networks and disks of simulators whose process died without removing them, as a
 * test that was killed. Those of a living process, or of one that keeps its folder, stay.
 */
export async function removeStrays(): Promise<void> {
  for (const folder of strayFolders()) {
    const names = new Names(idIn(folder) ?? "");
    for (const [list, end] of [
      ["list", "destroy"],
      ["net-list", "net-destroy"],
    ] as const) {
      const all = await virshList(list, "--name");
      for (const name of all.filter((one) => names.owns(one))) {
        // Another simulator may do the same at the same time.
        await virsh([end, name]).catch(() => undefined);
      }
    }
    fs.rmSync(names.folder, { recursive: true, force: true });
  }
}

function strayFolders(): string[] {
  const folders = fs.existsSync(imagesFolder)
    ? fs.readdirSync(imagesFolder).filter((name) => idIn(name) !== undefined)
    : [];
  return folders.filter((folder) => {
    try {
      const text = fs.readFileSync(
        path.join(imagesFolder, folder, ownerNote),
        "utf8",
      );
      return !isRunning(JSON.parse(text) as KnownProcess);
    } catch {
      return false; // None that a process claimed: it is not ours to judge.
    }
  });
}
