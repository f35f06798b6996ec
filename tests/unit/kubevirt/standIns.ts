import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

/** Stand-ins for the programs of a node, for scripts that a real shell runs in a folder of their own. */
export class StandIns {
  /** @param programs scripts of `sh` by name; they find the machine's folder in `$MACHINE`. */
  constructor(
    private readonly folder: string,
    programs: Readonly<Record<string, string>>,
  ) {
    fs.mkdirSync(folder, { recursive: true });
    for (const [name, script] of Object.entries(programs)) {
      fs.writeFileSync(
        path.join(folder, name),
        `#!/bin/sh\nset -eu\n${script}\n`,
        { mode: 0o755 },
      );
    }
  }

  /** Runs a script as in a machine whose disk is the folder. It reaches nothing of this computer. */
  run(
    machine: string,
    script: string,
    env: Readonly<Record<string, string>> = {},
  ): string {
    const moved = script.replace(
      /(?<![\w./])\/(etc|var|tmp|run|root|home)\//g,
      (found) => path.join(machine, found),
    );
    const left = moved
      .replaceAll(machine, "MACHINE")
      .match(/(?<![\w./+])\/(?!dev\/null\b)\w\w+/g);
    assert.equal(left, null, "this would touch the computer itself");
    return execFileSync("/bin/sh", ["-s"], {
      input: moved,
      encoding: "utf8",
      stdio: "pipe",
      env: {
        ...env,
        PATH: `${this.folder}:/usr/bin:/bin`,
        MACHINE: machine,
      },
    });
  }
}
