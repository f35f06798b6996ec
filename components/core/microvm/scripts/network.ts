import {
  ARP_CHAIN,
  ARP_MAP,
  commonFiles,
  NETWORK_CHAINS,
  NETWORK_MAPS,
  networkFiles,
  networkRules,
  networkUnitPath,
} from "../network";
import type { NetworkPlan } from "../network";
import { networkPaths, networkTable, networkUnit } from "../paths";
import type { HostPaths } from "../paths";
import { rulesAgainPaths } from "../rulesAgain";
import { call, hiddenNew, recordText, sha256 } from "./hostScript";

/** Whether the host forwarded packets before there were networks: so it is again after the last one. */
const forwardingBefore = ({ root }: HostPaths) => `${root}/forwarding-before`;

/** Brings the network to what is declared, whatever was there. */
export function networkApplyScript(plan: NetworkPlan, host: HostPaths): string {
  const paths = networkPaths(plan.name, host);
  const unit = networkUnit(plan.name);
  const unitPath = networkUnitPath(plan.name, host);
  const forwarding = forwardingBefore(host);
  const record = recordText(plan.stamp, {
    token: plan.token,
    subnet: plan.subnet,
    gateway: plan.gateway,
    nat: plan.nat,
    ...(plan.lan !== undefined && { lan: plan.lan }),
  });
  return `
${call("lock", paths.lock, plan.stamp.id)}
${call("own", paths.record, plan.stamp.id)}
[ -e ${call(paths.record)} ] || [ ! -e ${call(unitPath)} ] || refuse ${call(`there is a unit ${unit} that Corral did not make`)}
before=$(sed -n 's/^ *"subnet": "\\([^"]*\\)".*/\\1/p' ${call(paths.record)} 2>/dev/null)
${call("mkdir", "-p", host.root)} || refuse ${call(`${host.root} cannot be made`)}
(
  flock 8
  ${call("mkdir", "-p", paths.folder)} || exit 1
  [ -e ${call(forwarding)} ] || put ${call(forwarding)} 644 "$(cat /proc/sys/net/ipv4/ip_forward)"
  put ${call(paths.record)} 644 ${call(record)}
  ${call("mkdir", "-p", paths.leases, rulesAgainPaths(host).folder)} || exit 1
${commonFiles(host)
  .map(({ path, text }) => `  ${call("put", path, 644, text)}`)
  .join("\n")}
  true
) 8<${call(host.root)} || refuse ${call(`${paths.folder} cannot be made`)}
echo "begun yes"
${networkFiles(plan, host)
  .map(({ path, text }) => call("put", path, 644, text))
  .join("\n")}
[ -z "$(systemctl show --property DropInPaths --value ${call(unit)})" ] || rm -rf ${call(`${unitPath}.d`)}
systemctl daemon-reload
systemctl enable --quiet ${call(unit)} || refuse ${call(`${unit} cannot be enabled`)}
[ -z "$before" ] || [ "$before" = ${call(plan.subnet)} ] || ip route delete unreachable "$before" 2>/dev/null
# A restart would take the machines with it.
if systemctl is-active --quiet ${call(unit)}; then action=reload; sysctl -q -w net.ipv4.ip_forward=1; else action=start; fi
systemctl "$action" ${call(unit)} || refuse "$(systemctl status --lines 5 --no-pager ${call(unit)} 2>&1 | tail -n 5)"
echo "state $(systemctl is-active ${call(unit)})"
`;
}

/** Prints the network's own chains and maps without the machines' elements, in nftables' own words. */
const LIST = `
table=$1; shift
for chain in ${NETWORK_CHAINS.join(" ")}; do nft -s list chain inet "$table" "$chain" 2>/dev/null; done
for map in ${NETWORK_MAPS.join(" ")}; do nft list map inet "$table" "$map" 2>/dev/null | grep -E '^[[:space:]]*(map|type)'; done
nft -s list chain arp "$table" ${ARP_CHAIN} 2>/dev/null
nft list map arp "$table" ${ARP_MAP} 2>/dev/null | grep -E '^[[:space:]]*(map|type)'`;

/** Tells what is there, as lines `drift TEXT`; `network gone` or `network other`. Changes nothing. */
export function networkLookScript(plan: NetworkPlan, host: HostPaths): string {
  const paths = networkPaths(plan.name, host);
  const unit = networkUnit(plan.name);
  const drift = (text: string) => `echo ${call(`drift ${text}`)}`;
  const table = networkTable(plan.name);
  return `
if ! [ -e ${call(paths.record)} ] && ! [ -e ${call(networkUnitPath(plan.name, host))} ]; then echo "network gone"; exit 0; fi
if [ "$(${call("owner", paths.record)})" != ${call(plan.stamp.id)} ]; then echo "network other"; exit 0; fi
${[
  ...networkFiles(plan, host).map((file) => ({
    ...file,
    title: `${file.title} of the network`,
  })),
  ...commonFiles(host),
]
  .map(
    ({ title, path, text }) =>
      `[ "$(sha256sum <${call(path)} 2>/dev/null)" = ${call(`${sha256(text)}  -`)} ] || ${drift(`${title} is not as declared: ${path}`)}`,
  )
  .join("\n")}
[ -z "$(systemctl show --property DropInPaths --value ${call(unit)})" ] || ${drift(`the unit ${unit} is changed by files beside it`)}
systemctl is-active --quiet ${call(unit)} || ${drift(`the unit ${unit} is not active`)}
systemctl is-enabled --quiet ${call(unit)} || ${drift(`the unit ${unit} does not start with the host`)}
[ "$(cat /proc/sys/net/ipv4/ip_forward)" = 1 ] || ${drift("the host forwards no packets (net.ipv4.ip_forward)")}
ip route show type unreachable | grep -qwF ${call(plan.subnet)} || ${drift(`the route of the subnet ${plan.subnet} is gone`)}
list=${call(LIST)}
found=$(/bin/sh -c "$list" list ${call(table)})
# nftables' own way to write the rules, found out in a network of its own.
wanted=$(unshare --net /bin/sh -c "nft -f - && $list" list ${call(table)} <<'END'
${networkRules(plan)}
END
)
[ "$found" = "$wanted" ] || ${drift("the rules of nftables are not as declared")}
`;
}

/** What its removal has to know of a network. */
export interface NetworkOwner extends Pick<
  NetworkPlan,
  "name" | "token" | "subnet"
> {
  readonly stamp: Pick<NetworkPlan["stamp"], "id">;
}

/**
 * Takes the network away if it is ours and was not made again in between; refuses while machines have
 * addresses in it.
 */
export function networkRemoveScript(
  plan: NetworkOwner,
  host: HostPaths,
): string {
  const paths = networkPaths(plan.name, host);
  const unit = networkUnit(plan.name);
  const unitPath = networkUnitPath(plan.name, host);
  const forwarding = forwardingBefore(host);
  const networks = `${host.root}/networks`;
  const again = rulesAgainPaths(host);
  return `
${call("lock", paths.lock, plan.stamp.id)}
if [ -e ${call(paths.record)} ]; then
  ${call("own", paths.record, plan.stamp.id)}
  grep -qF ${call(`"token": "${plan.token}"`)} ${call(paths.record)} || exit 0
  leases=$(ls ${call(paths.leases)} 2>/dev/null | tr '\\n' ' ')
  [ -z "$leases" ] || refuse "machines still have addresses in the network: $leases; destroy them first"
elif [ -e ${call(unitPath)} ]; then
  exit 0 # None of ours.
fi
${call("mkdir", "-p", host.root)}
systemctl disable --quiet --now ${call(unit)} 2>/dev/null
systemctl reset-failed ${call(unit)} 2>/dev/null
for family in inet arp; do nft delete table "$family" ${call(networkTable(plan.name))} 2>/dev/null; done
ip route delete unreachable ${call(plan.subnet)} 2>/dev/null
${call("rm", "-rf", unitPath, `${unitPath}.d`, hiddenNew(unitPath))}
systemctl daemon-reload
(
  flock 8
  ${call("rm", "-rf", paths.folder)}
  [ -z "$(ls ${call(networks)} 2>/dev/null)" ] || exit 0
  [ ! -e ${call(forwarding)} ] || cat ${call(forwarding)} >/proc/sys/net/ipv4/ip_forward
  ${call("rm", "-f", forwarding, hiddenNew(forwarding))}
  ${call("rm", "-f", again.script, again.dropIn, hiddenNew(again.dropIn))}
  ${call("rmdir", again.folder)} 2>/dev/null
  systemctl daemon-reload
  # Without a network there is no machine: what steps that were cut off have left is nobody's any more.
  ${call("find", host.root, "-name", ".*.new", "-delete")}
  ${call("find", host.root, "-mindepth", 1, "-type", "d", "-empty", "-delete")}
  for lock in ${call(host.run)}/*.lock; do
    [ ! -e "$lock" ] || (flock -n 7 && rm -f "$lock") 7<"$lock"
  done
) 8<${call(host.root)}
rm -f ${call(paths.lock)}
rmdir ${call(host.root, host.root.replace(/\/[^/]*$/, ""), host.run)} 2>/dev/null
exit 0
`;
}
