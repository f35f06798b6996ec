import { hypervisorFeatures } from "../features";
import {
  machinePaths,
  machineUnit,
  machineUser,
  networkPaths,
  tapName,
} from "../paths";
import type { HostPaths } from "../paths";
import type { HypervisorKind, MachinePlan } from "../plan";
import { tapSettings } from "../unitFile";

import type { OwnershipStamp } from "../../stamp";
import { call, hiddenNew } from "./hostScript";
import { freeOthersScript } from "./leases";
import { machineFiles } from "./machineFiles";
import { LOOKS, variables } from "./machineLook";
import {
  sharesRemoved,
  sharesThere,
  staleRemoved,
  staleStopped,
} from "./shares";

/** How long a machine that has come from another host is watched, in tenths of a second. */
const WATCHED_TENTHS = 50;

/** How long a hypervisor may take to open its interface, in tenths of a second. */
const STARTED_TENTHS = 150;

/** What is known of the host before anything is rendered. Prints `version`, `path`. */
export function hypervisorScript(kind: HypervisorKind): string {
  const { program } = hypervisorFeatures[kind];
  return `
path=$(command -v ${call(program)}) || refuse ${call(`${program} is not installed there, or in none of the folders of programs`)}
echo "path $path"
echo "version $("$path" --version 2>&1 | grep -oE '[0-9]+(\\.[0-9]+)+' | head -n 1)"
`;
}

/**
 * Brings everything of the machine to what is declared, whatever was there: record, user, files, unit,
 * and the machine running or not. It restarts only where the hypervisor was started with something
 * else, or has lost its interface. The seed disk comes on standard input, if there is one.
 */
export function applyScript(
  plan: MachinePlan,
  options: {
    readonly running: boolean;
    /** Size of the seed disk; left out: there is none. */
    readonly seedBytes?: number | undefined;
    /** The move by which the machine comes from another host. */
    readonly move?: string | undefined;
  },
  host: HostPaths,
): string {
  const paths = machinePaths(plan.name, host);
  const networks = [...new Set(plan.interfaces.map(({ network }) => network))];
  const [record, ...files] = machineFiles(plan, host);
  const writable = plan.disks.filter(({ readOnly }) => !readOnly);
  return `
${LOOKS}
${variables(plan, host)}
if [ -e ${call(paths.unit)} ] && ! [ -e ${call(paths.record)} ]; then refuse ${call(`there is a unit ${machineUnit(plan.name)} that Corral did not make`)}; fi
${networks
  .map(
    (network) =>
      `[ -e ${call(networkPaths(network, host).record)} ] || refuse ${call(`there is no network ${network}; it is made by MicroVmHost`)}`,
  )
  .join("\n")}
${plan.disks
  .filter(({ path }) => path !== paths.seed)
  .map(({ path, name }) => diskThere(plan.name, name, path, host))
  .join("\n")}
${[plan.kernel, ...(plan.initrd === undefined ? [] : [plan.initrd])]
  .map((path) => `[ -r ${call(path)} ] || refuse ${call(`${path} is missing`)}`)
  .join("\n")}
${sharesThere(plan)}
${call("lock", paths.lock, plan.stamp.id)}
${call("own", paths.record, plan.stamp.id)}
! grep -qsxF "phase handed" ${call(paths.leaving)} || refuse "$(sed -n 's/^to //p' ${call(paths.leaving)})"${call(` was told to start ${plan.name}, and may run it: let it move there. Where that host is gone for good, with what was written there, remove ${paths.leaving} and run up again`)}
${call("mkdir", "-p", paths.folder)} && chmod 755 ${call(paths.folder)} || refuse ${call(`${paths.folder} cannot be made`)}
${options.move === undefined ? "" : call("put", paths.arriving, 644, arrivingText(options.move, false))}
${putFile(record)}
echo "begun yes"
(
  flock 8
  # One that was cut off may have made the user and not its group.
  if id -u "$user" >/dev/null 2>&1 && ! getent group "$user" >/dev/null; then groupadd --system --gid "$(id -g "$user")" "$user"; fi
  id -u "$user" >/dev/null 2>&1 || useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$user"
) 8<${call(host.root)} || refuse "the user $user cannot be made"
${options.seedBytes === undefined ? "" : seedScript(paths.seed, options.seedBytes)}
${writable.map(({ path }) => call("chown", machineUser(plan.name), path)).join("\n")}
${filesToRead(plan)
  .map(
    (path) =>
      `${call("runuser", "-u", machineUser(plan.name), "--", "test", "-r", path)} || refuse ${call(`${path} cannot be read by ${machineUser(plan.name)}, which the hypervisor runs as: make it and its folders readable`)}`,
  )
  .join("\n")}
${haltScript(plan, options.running, host)}
${files.map(putFile).join("\n")}
${staleRemoved(plan, host)}
dropins=$(property DropInPaths)
[ -z "$dropins" ] || rm -rf ${call(`${paths.unit}.d`)}
systemctl daemon-reload
rm -f ${call(paths.leaving)}
${options.move === undefined ? call("rm", "-f", paths.arriving) : `${call("put", paths.arriving, 644, arrivingText(options.move, true))}; sync ${call(paths.arriving)}`}
${options.running ? startScript(plan, host, options.move !== undefined) : 'systemctl disable --quiet "$unit"'}
${staleStopped}
${freeOthersScript(plan.stamp, plan.interfaces, host)}
echo "state $(systemctl is-active "$unit")"
${options.running ? 'echo "start $(property InvocationID)"' : ""}
`;
}

/**
 * Stops the machine and takes everything of it away but its volumes, if it is ours. All of it follows
 * from its name.
 */
export function removeMachineScript(
  machine: string,
  { id }: Pick<OwnershipStamp, "id">,
  host: HostPaths,
): string {
  const paths = machinePaths(machine, host);
  return `
${call("lock", paths.lock, id)}
${call("own", paths.record, id)}
${takeDownScript(machine, host)}
# The record goes last: as long as it is there, what is left is found.
${call("rm", "-rf", paths.run)}
find ${call(paths.folder)} -mindepth 1 ! -path ${call(paths.record)} -delete 2>/dev/null
${call("rm", "-rf", paths.folder)}
${call("rmdir", `${host.root}/machines`)} 2>/dev/null
${call("rm", "-f", paths.lock)}
${call("rmdir", host.run)} 2>/dev/null
exit 0
`;
}

/** Stops the machine and takes away what is outside of its folder. */
export function takeDownScript(machine: string, host: HostPaths): string {
  const paths = machinePaths(machine, host);
  return `
unit=${call(machineUnit(machine))} user=${call(machineUser(machine))}
systemctl disable --quiet "$unit" 2>/dev/null
systemctl stop "$unit" 2>/dev/null
${MUST_BE_OFF}
${interfacesGone(machine, host)}
${sharesRemoved(machine, host)}
${disksGivenBack(machine, [], host)}
${call("rm", "-rf", paths.unit, `${paths.unit}.d`, hiddenNew(paths.unit))}
systemctl daemon-reload
systemctl reset-failed "$unit" 2>/dev/null
id -u "$user" >/dev/null 2>&1 && userdel "$user" 2>/dev/null
getent group "$user" >/dev/null && groupdel "$user" 2>/dev/null
true`;
}

const MUST_BE_OFF =
  'case $(systemctl is-active "$unit") in active|activating|deactivating|reloading) refuse "$unit does not stop" ;; esac';

/** As many as a machine may have. */
const MOST_INTERFACES = 8;

/**
 * Stops a machine that cannot run on, while the files are those that it was started with: they know its
 * hypervisor, its interfaces and its chains, which those of another plan do not. A run that is cut off
 * behind this leaves it stopped, and the next one starts it.
 */
function haltScript(
  { name, disks }: MachinePlan,
  running: boolean,
  host: HostPaths,
): string {
  return `
if ${running ? "! runs_as_declared" : "true"}; then
  systemctl stop "$unit" 2>/dev/null
  systemctl reset-failed "$unit" 2>/dev/null
  ${MUST_BE_OFF}
  ${interfacesGone(name, host)}
  ${disksGivenBack(name, disks, host)}
fi`;
}

/**
 * Gives disks that the machine has no more back to root: the number of its user is another's one day.
 * The record names those that it has; the unit, which is written behind, those that it had.
 */
function disksGivenBack(
  machine: string,
  kept: readonly { readonly path: string }[],
  host: HostPaths,
): string {
  const { record, unit } = machinePaths(machine, host);
  return `
{
  sed -n 's/^ *"path": "\\(.*\\)",*$/\\1/p' ${call(record)}
  sed -n 's/^ReadWritePaths=//p' ${call(unit)}
} 2>/dev/null | while read -r disk; do
  case ${call(` ${kept.map(({ path }) => path).join(" ")} `)} in *" $disk "*) continue ;; esac
  [ "$(stat -L -c %U "$disk" 2>/dev/null)" != "$user" ] || chown root "$disk"
done`;
}

/** What a stopped machine may have left of its interfaces: its unit was changed by hand, or could not do it. */
function interfacesGone(machine: string, host: HostPaths): string {
  const { rulesGone } = machinePaths(machine, host);
  const taps = Array.from({ length: MOST_INTERFACES }, (_, index) =>
    tapName(machine, index),
  );
  return `
[ ! -e ${call(rulesGone)} ] || nft -f ${call(rulesGone)} 2>/dev/null
for tap in ${taps.join(" ")}; do [ ! -e "/sys/class/net/$tap" ] || ip link delete "$tap"; done`;
}

/** The mark of a machine that comes from another host: which move brings it, and whether it was started. */
function arrivingText(move: string, isStarted: boolean): string {
  return `${move}${isStarted ? " started" : ""}\n`;
}

/** A hypervisor opens its interface before it has read its kernel and disks: looks once more. */
const LOOK_AGAIN = `
  if [ -z "$said" ]; then
    sleep 0.5
    if has_ended; then said="the hypervisor ends as soon as it starts"; fi
  fi`;

const WATCH = `
    tenths=0
    while [ -z "$said" ] && [ "$tenths" -lt ${WATCHED_TENTHS} ]; do
      tenths=$((tenths + 1))
      sleep 0.1
      if has_ended; then said="the hypervisor ends soon after it started"; fi
    done`;

/** What a script needs before, and to start the machine: a failure is told as `failed`. */
export function startParts(plan: MachinePlan, host: HostPaths) {
  return {
    prepare: `${LOOKS}\n${variables(plan, host)}`,
    start: startScript(plan, host),
  } as const;
}

function startScript(
  plan: MachinePlan,
  host: HostPaths,
  isWatched = false,
): string {
  const { rules } = machinePaths(plan.name, host);
  return `
systemctl enable --quiet "$unit" || refuse "$unit cannot be enabled"
set_interfaces_up() {
  ${[
    ...plan.interfaces.flatMap((nic, index) =>
      tapSettings(nic, tapName(plan.name, index)).map((words) =>
        call(...words),
      ),
    ),
    "true",
  ].join(" &&\n  ")}
} 2>/dev/null
if runs_as_declared && set_interfaces_up; then
  said=$(nft -f ${call(rules)} 2>&1) || refuse "nft: $said"
else
  systemctl stop "$unit"
  systemctl reset-failed "$unit" 2>/dev/null
  began=$(date +%s.%N)
  if said=$(systemctl start "$unit" 2>&1); then
    tenths=0
    while tap_waits; do
      tenths=$((tenths + 1))
      if has_ended; then said="the hypervisor ends as soon as it starts"; break; fi
      if [ "$tenths" -gt ${STARTED_TENTHS} ]; then said="the hypervisor does not open its interface"; break; fi
      sleep 0.1
    done${isWatched ? WATCH : ""}
  fi${isWatched ? "" : LOOK_AGAIN}
  if [ -n "$said" ]; then
    echo "failed $said"
    journalctl --sync 2>/dev/null
    journalctl --unit "$unit" --unit ${call(machineUnit(plan.name).replace(/\.service$/, "@*"))} --since "@$began" --lines 15 --no-pager --output cat | sed 's/^/journal /'
    systemctl stop "$unit"
  fi
fi`;
}

function filesToRead({ kernel, initrd, disks }: MachinePlan): string[] {
  return [
    kernel,
    ...(initrd === undefined ? [] : [initrd]),
    ...disks.map(({ path }) => path),
  ];
}

/** A disk that is there, and that no other machine has. */
function diskThere(
  machine: string,
  name: string,
  path: string,
  host: HostPaths,
): string {
  return `
[ -f ${call(path)} ] || refuse ${call(`disk ${name} is missing: ${path}`)}
other=$(grep -lF ${call(`"path": ${JSON.stringify(path)}`)} ${call(host.root)}/machines/*/machine.json 2>/dev/null | grep -vF ${call(`/machines/${machine}/`)} | head -n 1)
[ -z "$other" ] || refuse ${call(`disk ${name}: ${path} is in use by another machine: `)}"$(basename "\${other%/*}")"`;
}

/**
 * Readable by the machine's hypervisor and by nobody else: the guest's own keys are on it. A connection
 * that breaks off ends the input early.
 */
function seedScript(seed: string, bytes: number): string {
  return `
(umask 077; cat >${call(`${seed}.new`)}) && [ "$(${call("stat", "-c", "%s", `${seed}.new`)})" = ${bytes} ] && chown "root:$user" ${call(`${seed}.new`)} && chmod 640 ${call(`${seed}.new`)} &&
  ${call("mv", `${seed}.new`, seed)} || refuse "the disk with cloud-init's documents cannot be written"`;
}

function putFile(
  file:
    | { readonly path: string; readonly mode: string; readonly text: string }
    | undefined,
): string {
  return file === undefined ? "" : call("put", file.path, file.mode, file.text);
}
