import type { OwnershipStamp } from "../../stamp";
import { machinePaths, machineUnit, volumePaths } from "../paths";
import type { HostPaths } from "../paths";
import type { MachinePlan } from "../plan";

import { type Answer, call } from "./hostScript";
import { releaseAllScript } from "./images";
import { freeOthersScript } from "./leases";
import {
  removeMachineScript,
  startParts,
  takeDownScript,
} from "./machineScripts";
import { emptyVolumeFoldersGone } from "./volumes";

/** Whose machine leaves, and which of its volumes go along. */
export interface Leaver {
  /** The machine's name, the same on both hosts. */
  readonly machine: string;
  readonly stamp: OwnershipStamp;
  readonly volumes: readonly string[];
}

/**
 * How far a move has come, as the mark in the machine's folder on the host that it leaves says:
 * - `copying`: it is stopped and cannot be started here; it was never started there;
 * - `handed`: the other host was told to start it, so that it may not be started here any more;
 * - `back`: it was given up, and the machine is here as before.
 */
export type LeavingPhase = "copying" | "handed" | "back";

/** The mark. */
export interface Leaving {
  /** One for each attempt: what an earlier one has copied is worth nothing. */
  readonly id: string;
  readonly phase: LeavingPhase;
  /** Whether the machine ran before. */
  readonly ran: boolean;
  /** The other host, for messages. */
  readonly to: string;
  readonly toId: string;
}

/** What is found where the machine was. */
export interface SourceFacts {
  readonly hostId: string;
  /** False when it is gone from there, or was never made. */
  readonly isThere: boolean;
  readonly runs: boolean;
  readonly mark: Leaving | undefined;
  readonly volumes: ReadonlyMap<string, VolumeSize>;
}

export interface VolumeSize {
  /** As large as the guest sees it. */
  readonly bytes: number;
  /** What it takes on the disk: holes count for nothing. */
  readonly usedBytes: number;
  /** Whether it outlives its machine. */
  readonly keep: boolean;
}

/** Tells what is there, for {@link readSource}; somebody else's machine of this name is an error. */
export function lookAtSourceScript(
  { machine, stamp, volumes }: Leaver,
  /** Whether it ends what an earlier run still does there; a preview must not. */
  isAlone: boolean,
  host: HostPaths,
): string {
  const { record, leaving, lock } = machinePaths(machine, host);
  return `
${isAlone ? `! [ -e ${call(lock)} ] || ${call("lock", lock, stamp.id)}` : ""}
${call("own", record, stamp.id)}
! [ -e ${call(record)} ] || echo "machine there"
case $(${call("systemctl", "is-active", machineUnit(machine))}) in active|activating|reloading) echo "runs yes" ;; esac
sed 's/^/leaving-/' ${call(leaving)} 2>/dev/null
${volumes
  .map((volume) => {
    const { file, record: noted } = volumePaths(machine, volume, host);
    return `[ "$(${call("owner", noted)})" != ${call(stamp.id)} ] || ! [ -f ${call(file)} ] || echo "volume ${volume} $(stat -c '%s %b %B' ${call(file)}) $(grep -qF '"keep": true' ${call(noted)} && echo keep)"`;
  })
  .join("\n")}
true
`;
}

/** Pure. */
export function readSource(answer: Answer): SourceFacts {
  const id = answer.get("leaving-id");
  return {
    hostId: answer.must("host"),
    isThere: answer.get("machine") === "there",
    runs: answer.get("runs") === "yes",
    mark:
      id === undefined
        ? undefined
        : {
            id,
            phase: (answer.get("leaving-phase") ?? "handed") as LeavingPhase,
            ran: answer.get("leaving-ran") === "yes",
            to: answer.get("leaving-to") ?? "another host",
            toId: answer.get("leaving-to-id") ?? "",
          },
    volumes: new Map(
      answer.all("volume").map((line) => {
        const [name = "", bytes, blocks, blockBytes, keep] = line.split(" ");
        return [
          name,
          {
            bytes: Number(bytes),
            usedBytes: Number(blocks) * Number(blockBytes),
            keep: keep === "keep",
          },
        ];
      }),
    ),
  };
}

/** The file beside the unit that keeps systemd from starting a machine that has left. */
const FENCE = "corral-leaving.conf";

/**
 * Stops the machine and sees to it that nothing starts it: not systemd, not a boot of the host, not
 * somebody by hand.
 */
export function fenceScript(
  { machine, stamp }: Leaver,
  mark: Leaving,
  /** The mark that was found: another one says that another run moves it. */
  found: Leaving | undefined,
  host: HostPaths,
): string {
  const paths = machinePaths(machine, host);
  return `
unit=${call(machineUnit(machine))}
${call("lock", paths.lock, stamp.id)}
${call("own", paths.record, stamp.id)}
[ "$(cat ${call(paths.leaving)} 2>/dev/null)" = ${call(found === undefined ? "" : markText(found).trim())} ] || refuse "another run moves it at this moment; run up again"
${call("mkdir", "-p", `${paths.unit}.d`)} || refuse ${call(`${paths.unit}.d cannot be made`)}
${call("put", paths.leaving, 644, markText(mark))}
${call("put", `${paths.unit}.d/${FENCE}`, 644, fenceText(paths.leaving))}
echo "begun yes"
systemctl daemon-reload
systemctl disable --quiet "$unit" 2>/dev/null
systemctl stop "$unit"
systemctl reset-failed "$unit" 2>/dev/null
case $(systemctl is-active "$unit") in active|activating|deactivating|reloading) refuse "$unit does not stop" ;; esac
`;
}

/** Notes that the other host is told to start the machine: from here on it is never started here. */
export function handScript(
  { machine, stamp }: Leaver,
  mark: Leaving,
  host: HostPaths,
): string {
  const { leaving, lock } = machinePaths(machine, host);
  return `
${call("lock", lock, stamp.id)}
${requireMark(leaving, mark)}
${call("put", leaving, 644, markText({ ...mark, phase: "handed" }))}
sync ${call(leaving)}
`;
}

/** Writes a volume to standard output as a tar archive, its holes left out. */
export function sendScript(
  { machine }: Leaver,
  volume: string,
  mark: Leaving,
  host: HostPaths,
): string {
  const { folder, file } = volumePaths(machine, volume, host);
  return `
${requireMark(machinePaths(machine, host).leaving, mark)}
${call("tar", "-C", folder, "--format=gnu", "--sparse", "-cf", "-", file.slice(folder.length + 1))} || refuse ${call(`${file} cannot be read`)}
`;
}

/** Prints `sum SHA256` of a volume's whole content. */
export function sumScript(
  { machine }: Leaver,
  volume: string,
  host: HostPaths,
): string {
  const { file } = volumePaths(machine, volume, host);
  return `echo "sum $(sha256sum <${call(file)} | cut -d ' ' -f 1)"`;
}

/** Lets the machine be here again as before, and starts it where it ran. Answers like an update. */
export function returnScript(
  plan: MachinePlan,
  mark: Leaving,
  host: HostPaths,
): string {
  const paths = machinePaths(plan.name, host);
  const { prepare, start } = startParts(plan, host);
  return `
${prepare}
${call("lock", paths.lock, plan.stamp.id)}
if ! [ -e ${call(paths.leaving)} ]; then exit 0; fi # It was never stopped.
${requireMark(paths.leaving, mark)}
rm -f ${call(`${paths.unit}.d/${FENCE}`)}
rmdir ${call(`${paths.unit}.d`)} 2>/dev/null
systemctl daemon-reload
${mark.ran ? start : ""}
${call("put", paths.leaving, 644, markText({ ...mark, phase: "back" }))}
echo "state $(systemctl is-active "$unit")"
`;
}

/**
 * Takes away all that the machine has left: itself, the volumes that went along, its addresses, and
 * its part in images. Can be run again wherever it was cut off: the folder with the mark goes at once.
 */
export function leaveScript(
  { machine, stamp, volumes }: Leaver,
  host: HostPaths,
  /** False where it comes back to: what it needs there has been made by then. */
  withBelongings = true,
): string {
  const paths = machinePaths(machine, host);
  const gone = `${host.root}/machines/.${machine}.gone`;
  return `
if [ -e ${call(paths.record)} ]; then
  ${call("lock", paths.lock, stamp.id)}
  ${call("own", paths.record, stamp.id)}
  ${takeDownScript(machine, host)}
  ${call("mv", paths.folder, gone)} || refuse ${call(`${paths.folder} cannot be removed`)}
fi
${call("rm", "-rf", gone, paths.run)}
${call("rmdir", `${host.root}/machines`)} 2>/dev/null
${call("rm", "-f", paths.lock)}
${volumes.map((volume) => removeVolume(machine, volume, stamp, host)).join("\n")}
${withBelongings ? belongingsGoneScript(stamp, host) : ""}
true
`;
}

/**
 * Removes the machine from its host for good. Where a move of it has failed, the state knows of its parts
 * on the other host alone: those here go with it, but for volumes to keep.
 */
export function removeWithPartsScript(
  { machine, stamp }: Omit<Leaver, "volumes">,
  host: HostPaths,
): string {
  const { leaving } = machinePaths(machine, host);
  const { folder } = volumePaths(machine, "", host);
  return `
left=
! [ -e ${call(leaving)} ] || left=yes
(
  ${removeMachineScript(machine, stamp, host)}
) || exit $?
if [ -n "$left" ]; then
  for record in ${call(folder)}/*.json; do
    [ "$(owner "$record")" = ${call(stamp.id)} ] && grep -qF '"keep": false' "$record" || continue
    rm -f "\${record%.json}.raw" "\${record%.json}.raw.partial" && rm -f "$record"
  done
  ${emptyVolumeFoldersGone(machine, host)}
  ${belongingsGoneScript(stamp, host)}
fi
true
`;
}

/**
 * What a machine takes up beside itself: addresses, and its part in images. By its stamp, because the
 * state may have forgotten them.
 */
export function belongingsGoneScript(
  stamp: Pick<OwnershipStamp, "id">,
  host: HostPaths,
): string {
  return `
${freeOthersScript(stamp, [], host)}
${releaseAllScript(stamp.id, host)}
`;
}

function removeVolume(
  machine: string,
  volume: string,
  { id }: OwnershipStamp,
  host: HostPaths,
): string {
  const paths = volumePaths(machine, volume, host);
  return `
if [ "$(${call("owner", paths.record)})" = ${call(id)} ]; then ${call("rm", "-f", paths.file, paths.partial)} && ${call("rm", "-f", paths.record)}; fi
${call("rm", "-f", paths.lock)}
${emptyVolumeFoldersGone(machine, host)}`;
}

function requireMark(file: string, { id }: Leaving): string {
  return `grep -qxF ${call(`id ${id}`)} ${call(file)} || refuse "somebody else has gone on with the move"`;
}

function markText({ id, phase, ran, to, toId }: Leaving): string {
  return `id ${id}\nphase ${phase}\nran ${ran ? "yes" : "no"}\nto ${to}\nto-id ${toId}\n`;
}

function fenceText(mark: string): string {
  return `# Made by Corral: the machine moves to another host, and must not be started here.\n[Unit]\nConditionPathExists=!${mark}\n`;
}
