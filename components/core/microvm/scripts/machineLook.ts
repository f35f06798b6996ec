import { chainsOf, mapsOnly, networkChains } from "../networkChains";
import { machinePaths, machineUnit, machineUser, tapName } from "../paths";
import type { HostPaths } from "../paths";
import type { MachinePlan } from "../plan";
import { REVISION_VARIABLE, revision } from "../unitFile";

import { call, sha256 } from "./hostScript";
import { machineFiles } from "./machineFiles";
import { sharesDrift } from "./shares";

/** Functions that look at a machine; the variables are those of {@link variables}. */
export const LOOKS = `
property() { systemctl show --property "$1" --value "$unit"; }
# The revision that the running hypervisor was started with; nothing when there is none.
running_revision() {
  pid=$(property MainPID)
  [ "\${pid:-0}" = 0 ] || tr '\\0' '\\n' <"/proc/$pid/environ" 2>/dev/null | sed -n 's/^${REVISION_VARIABLE}=//p'
}
tap_missing() { for tap in $taps; do [ -e "/sys/class/net/$tap" ] || return 0; done; return 1; }
# tap_is_set TAP GATEWAY ADDRESS: whether the interface is up and has its address, its route and proxy ARP.
tap_is_set() {
  [ $(($(cat "/sys/class/net/$1/flags") & 1)) = 1 ] && [ "$(cat "/proc/sys/net/ipv4/conf/$1/proxy_arp")" = 1 ] &&
    [ -n "$(ip -4 -o address show dev "$1" to "$2/32")" ] && [ -n "$(ip -4 route show "$3/32" dev "$1")" ]
} 2>/dev/null
# Whether the machine can run on: its hypervisor was started with what is declared.
runs_as_declared() { [ "$(systemctl is-active "$unit")" = active ] && [ "$(running_revision)" = "$declared" ] && ! tap_missing; }
# Whether a hypervisor that was just started runs no more, or was started anew.
has_ended() { [ "$(systemctl is-active "$unit")" != active ] || [ "$(property NRestarts)" -gt 0 ]; }
# The kernel shows a carrier as soon as the hypervisor has opened its end.
tap_waits() { for tap in $taps; do [ "$(cat "/sys/class/net/$tap/carrier" 2>/dev/null)" = 1 ] || return 0; done; return 1; }
`;

/** How long a machine is watched that systemd is just starting, or has just started again, in tenths of a second. */
const SETTLED_TENTHS = 50;

/** A machine that ends again and again is active for a moment each time: it is not taken for one that runs. */
const SETTLE = `
# Whether it ended, and was started again less than 3 s ago.
started_again() {
  [ "$(property NRestarts)" != 0 ] || return 1
  set -- $(process "$(property MainPID)")
  read -r up idle </proc/uptime
  [ $((\${up%.*} - \${2:-0} / 100)) -lt 3 ]
}
# Sets the variable state; restarting is none of systemd's own.
settle() {
  tenths=0
  while [ "$tenths" -lt ${SETTLED_TENTHS} ]; do
    state=$(systemctl is-active "$unit")
    case "$state $(property SubState)" in
      *auto-restart*) state=restarting; return ;;
      activating*) ;;
      active*) started_again || return 0 ;;
      *) return ;;
    esac
    tenths=$((tenths + 1))
    sleep 0.1
  done
}`;

/** Prints chains and elements of the maps as nftables shows them; $1 are lines of table, tap, chains. */
const LIST_CHAINS = `
printf '%s\\n' "$1" | while read -r table tap from to arp; do
  nft -s list chain inet "$table" "$from" 2>/dev/null
  nft -s list chain inet "$table" "$to" 2>/dev/null
  for map in from_machine to_machine; do
    nft -s list map inet "$table" "$map" 2>/dev/null | grep -oE "\\"$tap\\" : (jump|goto) [a-z0-9_]+"
  done
  nft -s list chain arp "$table" "$arp" 2>/dev/null
  nft -s list map arp "$table" from_machine 2>/dev/null | grep -oE "\\"$tap\\" : (jump|goto) [a-z0-9_]+"
done`;

/**
 * Tells what is there, as lines `drift TEXT`, and `state STATE`; `machine gone` when nothing is, and
 * `machine other` when it is somebody else's.
 */
export function lookScript(
  plan: MachinePlan,
  options: { readonly running: boolean },
  host: HostPaths,
): string {
  const paths = machinePaths(plan.name, host);
  const drift = (text: string) => `echo ${call(`drift ${text}`)}`;
  return `
${LOOKS}
${variables(plan, host)}
if ! [ -e ${call(paths.record)} ] && ! [ -e ${call(paths.unit)} ]; then echo "machine gone"; exit 0; fi
if [ "$(${call("owner", paths.record)})" != ${call(plan.stamp.id)} ]; then echo "machine other"; exit 0; fi
differs() { [ "$(sha256sum <"$1" 2>/dev/null)" != "$2  -" ]; }
${machineFiles(plan, host)
  .map(
    ({ title, path, text }) =>
      `! ${call("differs", path, sha256(text))} || ${drift(`${title} is not as declared: ${path}`)}`,
  )
  .join("\n")}
[ -z "$(property DropInPaths)" ] || echo "drift the unit is changed by $(property DropInPaths)"
${plan.disks
  .map(
    ({ path, name }) =>
      `[ -e ${call(path)} ] || ${drift(`disk ${name} is missing: ${path}`)}`,
  )
  .join("\n")}
${SETTLE}
settle
echo "state $state"
[ "$state" != restarting ] || echo "drift the hypervisor has ended, and systemd starts it again: $(property NRestarts) times so far"
if [ "$state" = active ]; then
  [ "$(running_revision)" = "$declared" ] || ${drift("the hypervisor was started with something else than is declared")}
  ! tap_missing || ${drift(`an interface is gone: ${plan.interfaces.map((_, index) => tapName(plan.name, index)).join(", ")}`)}
${plan.interfaces
  .map(({ address, gateway }, index) => {
    const tap = tapName(plan.name, index);
    return `  [ ! -e /sys/class/net/${tap} ] || ${call("tap_is_set", tap, gateway, address)} || ${drift(`the interface ${tap} is down, or has lost its address, its route or proxy ARP`)}`;
  })
  .join("\n")}
  list=${call(LIST_CHAINS)}
  found=$(/bin/sh -c "$list" list "$chains")
  # nftables' own way to write the rules, found out in a network of its own.
  wanted=$(unshare --net /bin/sh -c "nft -f - && $list" list "$chains" <<'END'
${mapsOnly(plan)}${networkChains(plan)}
END
  )
  [ "$found" = "$wanted" ] || ${drift("the chains of nftables are not as declared")}
${sharesDrift(plan, drift)}
${answered(plan)
  .map(
    ([address, lan]) =>
      `ip neighbour show proxy dev ${call(lan)} 2>/dev/null | grep -qwF ${call(address)} || ${drift(`the host does not answer for ${address} on ${lan}`)}`,
  )
  .join("\n")}
fi
${
  options.running
    ? `systemctl is-enabled --quiet "$unit" || ${drift("the unit does not start with the host")}`
    : `! systemctl is-enabled --quiet "$unit" 2>/dev/null || ${drift("the unit starts with the host")}`
}
`;
}

/** Addresses that the host answers for, each with its interface. */
function answered({ interfaces }: MachinePlan): [string, string][] {
  return interfaces.flatMap(({ address, lan }): [string, string][] =>
    lan === undefined ? [] : [[address, lan]],
  );
}

/** What {@link LOOKS}, and the scripts with it, take for granted. */
export function variables(plan: MachinePlan, host: HostPaths): string {
  const taps = plan.interfaces.map((_, index) => tapName(plan.name, index));
  const chains = plan.interfaces.map((_, index) => {
    const { table, tap, from, to, arp } = chainsOf(plan, index);
    return [table, tap, from, to, arp].join(" ");
  });
  return [
    `unit=${call(machineUnit(plan.name))}`,
    `user=${call(machineUser(plan.name))}`,
    `declared=${call(revision(plan, host))}`,
    `taps=${call(taps.join(" "))}`,
    `chains=${call(chains.join("\n"))}`,
    call("mkdir", "-p", host.run),
  ].join("\n");
}
