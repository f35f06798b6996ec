import type { LabHost } from "@corral-iac/tools/lab/host/labHost";
import { FUNCTIONS } from "@corral-iac/corral/core/microvm/scripts/hostScript";

const CUT = "/run/corral-lab-cut";

/** Every program that the scripts of microVMs run; what a shell does by itself cannot be cut in two. */
const PROGRAMS =
  "basename cat chmod chown cp curl cut date dd find flock getent grep groupadd groupdel head id ip journalctl " +
  "ls mkdir mkfs.ext4 mv nft qemu-img rm rmdir runuser sed sha256sum sleep stat sync sysctl systemctl tail tr " +
  "truncate unshare useradd userdel";

/** Counts the programs that a script runs, and ends the script and all that it started at one of them. */
const STAND_IN = `#!/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
n=$(($(cat ${CUT}/count) + 1))
echo $n >${CUT}/count
[ $n != "$(cat ${CUT}/at)" ] || kill -KILL 0
exec "\${0##*/}" "$@"
`;

/** Runs scripts of a host, which may be cut off as they are about to run a program. */
export class CutScripts {
  constructor(private readonly host: LabHost) {}

  /** To be done once. */
  async install(): Promise<void> {
    await this.host.exec(
      `mkdir -p /opt/cut ${CUT} && cat > /opt/cut/.stand-in && chmod 755 /opt/cut/.stand-in
cd /opt/cut && for name in ${PROGRAMS}; do ln -f .stand-in $name; done`,
      { input: STAND_IN },
    );
  }

  /**
   * Runs a script as the provider does.
   *
   * @param at ends it as it is about to run its program of this number, from 1; left out: it runs to its end.
   * @returns how it ended, and how many programs it ran.
   */
  async run(
    script: string,
    at = 0,
    input?: string,
  ): Promise<{ code: number; programs: number; output: string }> {
    const file = "/root/script";
    const said = await this.host.exec(
      `echo 0 >${CUT}/count; echo ${at} >${CUT}/at
cat >${file} <<'CORRAL-CUT-END'
PATH=/opt/cut:/usr/sbin:/usr/bin:/sbin:/bin
${FUNCTIONS}
${script}
CORRAL-CUT-END
setsid --wait sh ${file} >${file}.out 2>&1
echo "$? $(cat ${CUT}/count)"
cat ${file}.out; rm -f ${file} ${file}.out`,
      { timeoutSeconds: 120, input: input ?? "" },
    );
    const [, code = "", programs = "", output = ""] =
      /^(\d+) (\d+)\n?([^]*)$/.exec(said) ?? [];
    return { code: Number(code), programs: Number(programs), output };
  }
}
