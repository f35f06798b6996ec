import type { OwnershipStamp } from "../../stamp";
import { formatBytes } from "../../units";
import { machinePaths, machineUnit, networkPaths, volumePaths } from "../paths";
import type { HostPaths } from "../paths";

import { type Answer, call, recordText } from "./hostScript";
import type { Leaver } from "./leaving";
import { removeMachineScript } from "./machineScripts";
import { emptyVolumeFoldersGone } from "./volumes";

/** What is found where a machine shall move to. */
export interface TargetFacts {
  readonly hostId: string;
  /** The machine, if it is there already. */
  readonly machine: ArrivingMachine | undefined;
  readonly runs: boolean;
  /** Whether it once moved away from there, and could not be removed. */
  readonly wasLeft: boolean;
  /** A unit of its name that Corral did not make. */
  readonly hasForeignUnit: boolean;
  readonly missingNetworks: readonly string[];
  readonly freeMemoryMib: number;
  readonly freeDiskBytes: number;
  /** Volumes that are whole there, with the move that brought them; "" for those made there. */
  readonly volumes: ReadonlyMap<string, string>;
}

export interface ArrivingMachine {
  /** The attempt to move that has made it; "" for one that is there for good. */
  readonly move: string;
  /** Whether it may have been started there. */
  readonly isStarted: boolean;
}

/** Tells what is there, for {@link readTarget}; somebody else's machine of this name is an error. */
export function lookAtTargetScript(
  { machine, stamp, volumes }: Leaver,
  networks: readonly string[],
  /** Whether it ends what an earlier run still does there; a preview must not. */
  isAlone: boolean,
  host: HostPaths,
): string {
  const paths = machinePaths(machine, host);
  return `
${isAlone ? `! [ -e ${call(paths.lock)} ] || ${call("lock", paths.lock, stamp.id)}` : ""}
${call("own", paths.record, stamp.id)}
case $(${call("systemctl", "is-active", machineUnit(machine))}) in active|activating|reloading) echo "runs yes" ;; esac
! grep -qsxF "phase handed" ${call(paths.leaving)} || echo "left yes"
if [ -e ${call(paths.record)} ]; then echo "arriving $(cat ${call(paths.arriving)} 2>/dev/null)"
elif [ -e ${call(paths.unit)} ]; then echo "unit foreign"
fi
${networks
  .map(
    (network) =>
      `[ -e ${call(networkPaths(network, host).record)} ] || echo ${call(`nonetwork ${network}`)}`,
  )
  .join("\n")}
echo "memory $(sed -n 's/^MemAvailable: *\\([0-9]*\\) kB$/\\1/p' /proc/meminfo)"
folder=${call(host.root)}
while ! [ -d "$folder" ]; do folder=\${folder%/*}; folder=\${folder:-/}; done
echo "disk $(df -Pk "$folder" | awk 'NR == 2 { print $4 }')"
${volumes
  .map((volume) => {
    const { file, record } = volumePaths(machine, volume, host);
    return `
${call("own", record, stamp.id)}
! grep -qsF '"state": "made"' ${call(record)} || ! [ -f ${call(file)} ] || echo "volume ${volume} $(sed -n 's/^ *"move": "\\([0-9a-f]*\\)",*$/\\1/p' ${call(record)})"`;
  })
  .join("\n")}
true
`;
}

/** Pure. */
export function readTarget(answer: Answer): TargetFacts {
  const [move = "", started] = answer.get("arriving")?.split(" ") ?? [];
  return {
    hostId: answer.must("host"),
    machine:
      answer.get("arriving") === undefined
        ? undefined
        : { move, isStarted: started !== undefined },
    runs: answer.get("runs") === "yes",
    wasLeft: answer.get("left") === "yes",
    hasForeignUnit: answer.get("unit") === "foreign",
    missingNetworks: answer.all("nonetwork"),
    freeMemoryMib: Math.floor(Number(answer.must("memory")) / 1024),
    freeDiskBytes: Number(answer.must("disk")) * 1024,
    volumes: new Map(
      answer.all("volume").map((line) => {
        const [name = "", move = ""] = line.split(" ");
        return [name, move];
      }),
    ),
  };
}

/** A volume that comes from another host. */
export interface Incoming {
  readonly volume: string;
  /** The move that brings it. */
  readonly move: string;
  readonly keep: boolean;
  readonly bytes: number;
}

/** Takes a volume from standard input, as {@link sendScript} writes it, into a file that is not it yet. */
export function receiveScript(
  leaver: Leaver,
  incoming: Incoming,
  host: HostPaths,
): string {
  const { machine, stamp } = leaver;
  const paths = volumePaths(machine, incoming.volume, host);
  return `
${call("lock", paths.lock, stamp.id)}
${call("mkdir", "-p", paths.folder)} || refuse ${call(`${paths.folder} cannot be made`)}
${call("own", paths.record, stamp.id)}
${call("put", paths.record, 644, incomingRecord(leaver, incoming, "making"))}
echo "begun yes"
${call("rm", "-rf", paths.incoming)}
umask 077
mkdir ${call(paths.incoming)} && said=$(${call("tar", "-C", paths.incoming, "--sparse", "-xf", "-")} 2>&1) || {
  ${call("rm", "-rf", paths.incoming)}
  refuse "\${said:-${paths.incoming} cannot be made}"
}
`;
}

/** Makes what was received the volume, if its content is what was sent. */
export function keepScript(
  leaver: Leaver,
  incoming: Incoming,
  sha256: string,
  host: HostPaths,
): string {
  const { stamp } = leaver;
  const paths = volumePaths(leaver.machine, incoming.volume, host);
  const copy = `${paths.incoming}/${incoming.volume}.raw`;
  return `
${call("lock", paths.lock, stamp.id)}
found=$(sha256sum <${call(copy)} | cut -d ' ' -f 1)
[ "$found" = ${call(sha256)} ] || refuse "the copy has the SHA-256 $found, must have "${call(sha256)}
chmod 600 ${call(copy)} && sync ${call(copy)} && ${call("mv", copy, paths.file)} || refuse ${call(`${paths.file} cannot be kept`)}
rmdir ${call(paths.incoming)}
${call("put", paths.record, 644, incomingRecord(leaver, incoming, "made"))}
true
`;
}

/**
 * Takes away what an attempt to move has brought, and nothing of another one's; the machine never ran
 * here, or not for long.
 */
export function discardScript(
  { machine, stamp, volumes }: Leaver,
  move: string,
  host: HostPaths,
): string {
  const { record, arriving } = machinePaths(machine, host);
  return `
is_of() { [ "$(cut -d ' ' -f 1 ${call(arriving)} 2>/dev/null)" = ${call(move)} ]; }
if [ -e ${call(record)} ] || [ -e ${call(arriving)} ]; then
  is_of || refuse "another run moves it at this moment"
  (
    ${removeMachineScript(machine, stamp, host)}
  ) || exit $?
  ! [ -e ${call(record)} ] || refuse ${call(`${machine} cannot be removed`)}
fi
${volumes.map((volume) => discardVolume(machine, volume, { id: stamp.id, move }, host)).join("\n")}
true
`;
}

/** The volumes are the machine's own now, and it is there for good. */
export function arrivedScript(
  { machine, volumes }: Leaver,
  host: HostPaths,
): string {
  const { arriving } = machinePaths(machine, host);
  return `
${volumes
  .map((volume) => {
    const { record } = volumePaths(machine, volume, host);
    return `! [ -e ${call(record)} ] || put ${call(record)} 644 "$(sed '/^ *"move": /d' ${call(record)})\n"`;
  })
  .join("\n")}
${call("rm", "-f", arriving)}
`;
}

/** Prints `machine there` where a machine of the stamp is, for good. */
export function hasMachineScript(
  { id }: Pick<OwnershipStamp, "id">,
  host: HostPaths,
): string {
  return `
for record in ${call(host.root)}/machines/*/machine.json; do
  [ "$(owner "$record")" != ${call(id)} ] || [ -e "\${record%/*}/arriving" ] || echo "machine there"
done
true
`;
}

/** Removes a machine that has not come to stay; its addresses can be set free then. */
export function removeArrivingScript(
  { machine, stamp }: Omit<Leaver, "volumes">,
  host: HostPaths,
): string {
  const { record, arriving } = machinePaths(machine, host);
  return `
if [ -e ${call(arriving)} ] && [ "$(${call("owner", record)})" = ${call(stamp.id)} ]; then (
  ${removeMachineScript(machine, stamp, host)}
) || exit $?; fi
`;
}

/** A volume that was made here, or that another attempt brings, stays. */
function discardVolume(
  machine: string,
  volume: string,
  { id, move }: { readonly id: string; readonly move: string },
  host: HostPaths,
): string {
  const paths = volumePaths(machine, volume, host);
  return `
if [ "$(${call("owner", paths.record)})" = ${call(id)} ] && ${call("grep", "-qF", `"move": "${move}"`, paths.record)}; then
  ${call("rm", "-rf", paths.incoming, paths.file)} && ${call("rm", "-f", paths.record)}
fi
${emptyVolumeFoldersGone(machine, host)}
${call("rm", "-f", paths.lock)}`;
}

function incomingRecord(
  { machine, stamp }: Leaver,
  { volume, move, keep, bytes }: Incoming,
  state: "making" | "made",
): string {
  return recordText(stamp, {
    machine,
    volume,
    keep,
    size: formatBytes(bytes),
    state,
    ...(move !== "" && { move }),
  });
}
