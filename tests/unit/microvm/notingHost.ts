import * as fs from "node:fs";
import * as path from "node:path";
import { machinePaths } from "@corral-iac/corral/core/microvm/paths";
import type {
  MachinePlan,
  PlannedDisk,
} from "@corral-iac/corral/core/microvm/plan";
import { lookScript } from "@corral-iac/corral/core/microvm/scripts/machineLook";
import {
  applyScript,
  removeMachineScript,
} from "@corral-iac/corral/core/microvm/scripts/machineScripts";

import { ScratchHost } from "./scratchHost";

/** Programs that are taken to have done what they are asked for. */
const QUIET = [
  "getent",
  "groupdel",
  "id",
  "ip",
  "journalctl",
  "runuser",
  "unshare",
  "useradd",
  "userdel",
];

/** A host whose systemd, firewall and users are scripts that note what they are asked for. */
export class NotingHost extends ScratchHost {
  private readonly programs = path.join(this.folder, "programs");
  private readonly notes = path.join(this.folder, "notes");
  readonly kernel = path.join(this.folder, "vmlinuz");

  constructor(machine: string) {
    super();
    [this.programs, this.notes, this.paths.units].forEach((folder) =>
      fs.mkdirSync(folder),
    );
    fs.writeFileSync(this.kernel, "");
    this.makeNetwork("default");
    const { unit, stop } = machinePaths(machine, this.paths);
    const notes = this.notes;
    const as = `sed -n 's/^Environment=//p' ${unit}`;
    this.program(
      "systemctl",
      `case "$1" in
  is-active) cat ${notes}/ActiveState 2>/dev/null || { [ -e ${notes}/pid ] && echo active || echo inactive; } ;;
  show)
    case $3 in
      MainPID) cat ${notes}/pid 2>/dev/null || echo 0 ;;
      *) cat "${notes}/$3" 2>/dev/null ;;
    esac ;;
  start)
    echo start >>${notes}/done
    env "$(${as})" sleep 60 </dev/null >/dev/null 2>&1 9>&- &
    echo $! >${notes}/pid ;;
  stop)
    [ -e ${notes}/pid ] || exit 0
    echo stop >>${notes}/done
    cp ${stop} ${notes}/stopped-by
    kill $(cat ${notes}/pid)
    rm ${notes}/pid
    ! [ -e ${notes}/cut ] || kill -KILL 0 ;;
  enable | disable) echo "$1" >>${notes}/done ;;
esac`,
    );
    this.program("nft", `! [ "$1" = -f ] || cat "$2" >>${notes}/rules`);
    // Owners are noted beside the files, so that it takes no root to give one away.
    this.program("chown", 'echo "$1" >"$2.owner"');
    this.program(
      "stat",
      'case "$*" in *%U*) for file; do :; done; cat "$file.owner" ;; *) exec /usr/bin/stat "$@" ;; esac',
    );
    for (const name of QUIET) {
      this.program(name, "exit 0");
    }
  }

  apply(plan: MachinePlan, running = true) {
    const script = applyScript(plan, { running }, this.paths);
    return this.run(`PATH=${this.programs}:$PATH\n${script}`);
  }

  /** Removes the machine of the plan. */
  takeDown({ name, stamp }: MachinePlan) {
    const script = removeMachineScript(name, stamp, this.paths);
    return this.run(`PATH=${this.programs}:$PATH\n${script}`);
  }

  /** Makes a disk of the host's own. */
  makeDisk(name: string): PlannedDisk {
    const file = path.join(this.folder, `${name}.raw`);
    fs.writeFileSync(file, "");
    return { name, path: file, readOnly: false, grows: false, revision: "" };
  }

  ownerOf({ path: file }: PlannedDisk): string {
    return fs.readFileSync(`${file}.owner`, "utf8").trim();
  }

  look(plan: MachinePlan, running = true) {
    const script = lookScript(plan, { running }, this.paths);
    return this.run(`PATH=${this.programs}:$PATH\n${script}`);
  }

  /** What systemd says of the machine's unit from now on. */
  says(properties: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(properties)) {
      fs.writeFileSync(path.join(this.notes, name), `${value}\n`);
    }
  }

  /** What was noted since the last time. */
  noted(name: "done" | "rules" | "stopped-by"): string {
    const file = path.join(this.notes, name);
    const text = fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
    fs.rmSync(file, { force: true });
    return text;
  }

  /** Whether a script is ended as soon as it has stopped the machine. */
  cutAtStop(isCut: boolean): void {
    const file = path.join(this.notes, "cut");
    if (isCut) {
      fs.writeFileSync(file, "");
    } else {
      fs.rmSync(file, { force: true });
    }
  }

  private program(name: string, text: string): void {
    fs.writeFileSync(path.join(this.programs, name), `#!/bin/sh\n${text}\n`, {
      mode: 0o755,
    });
  }
}
