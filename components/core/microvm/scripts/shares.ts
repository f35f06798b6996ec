import { type HostPaths, machinePaths, machineUnit, shareUnit } from "../paths";
import type { MachinePlan } from "../plan";
import { VIRTIOFSD_PATHS } from "../sharedFolders";
import { call } from "./hostScript";

/** Refuses where a shared folder, or what serves it, is missing; changes nothing. */
export function sharesThere({ shares = [] }: MachinePlan): string {
  if (shares.length === 0) {
    return "";
  }
  return [
    `[ -n "$(for p in ${VIRTIOFSD_PATHS.join(" ")}; do [ ! -x "$p" ] || echo "$p"; done)" ] || refuse "there is no virtiofsd, which sharedFolders need; on Debian: apt-get install virtiofsd, and qemu-system-common before Debian 13"`,
    ...shares.map(
      ({ name, hostPath }) =>
        `[ -d ${call(hostPath)} ] || refuse ${call(`shared folder ${name} is missing: ${hostPath} is no folder there`)}`,
    ),
  ].join("\n");
}

/** All units of the machine's shared folders, as the shell's pattern. */
function unitsOf(machine: string, host: HostPaths): string {
  const unit = call(
    machinePaths(machine, host).unit.replace(/\.service$/, "@"),
  );
  return `${unit}*.service`;
}

/** Takes away the units of folders that are shared no more; they are stopped by {@link staleStopped}. */
export function staleRemoved(
  { name, shares = [] }: MachinePlan,
  host: HostPaths,
): string {
  const keep = shares.map((share) => shareUnit(name, share.name));
  return `
stale=
for file in ${unitsOf(name, host)}; do
  case " ${keep.join(" ")} " in *" \${file##*/} "*) ;; *) [ ! -e "$file" ] || { stale="$stale \${file##*/}"; rm -f "$file"; } ;; esac
done`;
}

export const staleStopped =
  '[ -z "$stale" ] || { systemctl stop $stale; systemctl reset-failed $stale; } 2>/dev/null';

/** Takes away all units of the machine's shared folders, which the machine has stopped with it. */
export function sharesRemoved(machine: string, host: HostPaths): string {
  const { run } = machinePaths(machine, host);
  const pattern = machineUnit(machine).replace(/\.service$/, "@*");
  return `
${call("systemctl", "stop", pattern)} 2>/dev/null
rm -f ${unitsOf(machine, host)} ${call(`${host.units}/.${pattern.slice(0, -1)}`)}*.service.new
${call("systemctl", "reset-failed", pattern)} 2>/dev/null
rm -rf ${call(`${run}-`)}*
# The folder that systemd has put the servers' own in the place of.
rmdir /run/virtiofsd 2>/dev/null || :`;
}

/** Lines `drift TEXT` where a server does not run, while the machine does. */
export function sharesDrift(
  { name, shares = [] }: MachinePlan,
  drift: (text: string) => string,
): string {
  return shares
    .map(
      (share) =>
        `${call("systemctl", "is-active", "--quiet", shareUnit(name, share.name))} || ${drift(`the server of the shared folder ${share.name} does not run`)}`,
    )
    .join("\n");
}
