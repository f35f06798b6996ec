import * as fs from "node:fs";
import type { LabHost } from "@corral-iac/tools/lab/host/labHost";
import { becomes } from "@corral-iac/tools/lab/processes";

/** A moment in the work of a script on a host: a command that it runs, and whether before or after it. */
export interface HostMoment {
  readonly when: "before" | "after";
  /** The command with its words, as a pattern of the shell (`case`): `mv *network.json`. */
  readonly command: string;
}

/** Programs that the steps of microVMs on their host run, of which some moment is of interest. */
const PROGRAMS = ["dd", "mkfs.ext4", "mv", "rm", "systemctl", "useradd"];

const HOLD = "/run/corral-lab-hold";

/**
 * Stands in for a program where ssh sessions look first; systemd's own units are told their programs
 * by another way. Its own programs are the real ones.
 */
const STAND_IN = `#!/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
name=\${0##*/}
meet() {
  [ -e ${HOLD}/command ] || return 0
  { read -r when; read -r pattern; } <${HOLD}/command 2>/dev/null || return 0
  [ "$when" = "$1" ] || return 0
  eval "case \\$words in $pattern) ;; *) return 0 ;; esac"
  mkdir ${HOLD}/reached 2>/dev/null || return 0
  while [ -e ${HOLD}/command ]; do sleep 0.02; done
}
words="$name $*"
meet before
"$name" "$@"
code=$?
meet after
exit $code
`;

/** Holds a script of a host at a moment of its work: once for each time that it is asked to. */
export class HostHold {
  constructor(private readonly host: LabHost) {}

  /** Puts the stand-ins on the host; to be done once. */
  async install(): Promise<void> {
    await this.host.exec(
      `cat > /usr/local/bin/.stand-in && chmod 755 /usr/local/bin/.stand-in
cd /usr/local/bin && for name in ${PROGRAMS.join(" ")}; do ln -f .stand-in $name; done`,
      { input: STAND_IN },
    );
  }

  async set({ when, command }: HostMoment): Promise<void> {
    await this.host.exec(
      `rm -rf ${HOLD} && mkdir -p ${HOLD} && cat > ${HOLD}/new && mv ${HOLD}/new ${HOLD}/command`,
      { input: `${when}\n${command.replaceAll(" ", "\\ ")}\n` },
    );
  }

  /** Waits until a script has come to the moment; false when it did not within the time. */
  reached(seconds: number): Promise<boolean> {
    return becomes(
      () => fs.existsSync(this.host.path(`${HOLD}/reached`)),
      seconds,
    );
  }

  /** Lets it go on, and holds no other one. */
  async release(): Promise<void> {
    await this.host.exec(`rm -rf ${HOLD}`);
  }
}
