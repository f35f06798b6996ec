import { machinePaths, networkPaths } from "../paths";
import type { HostPaths } from "../paths";
import { isLeasable, roomOf } from "../subnet";
import type { LeaseRange } from "../subnet";
import type { OwnershipStamp } from "../../stamp";

import { call, recordText } from "./hostScript";

/** Who leases an address: one interface of one machine. */
export interface Leaseholder {
  readonly stamp: OwnershipStamp;
  /** The machine's name on the host. */
  readonly machine: string;
  /** Which of its interfaces. */
  readonly nic: number;
}

export interface LeaseWish {
  readonly network: string;
  readonly range: LeaseRange;
  /** Left out: the lowest free one. */
  readonly address?: string | undefined;
  /** One that is better than the lowest, where it is free and in the range. */
  readonly preferred?: string | undefined;
  readonly holder: Leaseholder;
}

/**
 * Leases an address, alone on the network for that moment: the one that the holder has, the one that
 * is wanted, or the lowest free one. A holder has one address; another one than before sets the old
 * one free, and so does a range that the old one is not in. Prints `address A`.
 */
export function leaseScript(wish: LeaseWish, host: HostPaths): string {
  const { network, range, address = "", holder } = wish;
  const preferred = wish.preferred ?? "";
  const paths = networkPaths(network, host);
  const full = `network ${network} has no free address: all ${roomOf(range)} are leased. Destroy machines, or make a network with a larger subnet`;
  return `
[ -e ${call(paths.record)} ] || refuse ${call(`there is no network ${network}; it is made by MicroVmHost`)}
${call("lock", paths.lock, keyOf(holder))}
leases=${call(paths.leases)} wanted=${call(address)}
mkdir -p "$leases"
rm -f "$leases"/.*.new
# More than one where a change of the address was cut off.
had=$(grep -lxF ${call(keyLine(holder))} "$leases"/* 2>/dev/null | sed 's,.*/,,')
keep() {
  for one in $had; do [ "$one" = "$1" ] || rm -f "$leases/$one"; done
  echo "address $1"
  exit 0
}
# The network may have another subnet or gateway by now.
is_leasable() {
  number=$(echo "$1" | { IFS=. read -r a b c d; echo $((a << 24 | b << 16 | c << 8 | d)); })
  [ "$number" -ge ${range.first} ] && [ "$number" -le ${range.last} ] && [ "$number" -ne ${range.gateway} ]
}
for one in $had; do
  if [ "$one" = "$wanted" ] || { [ -z "$wanted" ] && is_leasable "$one"; }; then keep "$one"; fi
done
if [ -n "$wanted" ]; then
  ! [ -e "$leases/$wanted" ] || { cat "$leases/$wanted"; exit 75; }
  address=$wanted
elif ${call("test", isLeasable(preferred, range) ? preferred : "")} && ! [ -e "$leases/"${call(preferred)} ]; then
  address=${call(preferred)}
else
  number=${range.first}
  while :; do
    [ "$number" -le ${range.last} ] || refuse ${call(full)}
    address=$((number >> 24)).$((number >> 16 & 255)).$((number >> 8 & 255)).$((number & 255))
    [ "$number" -eq ${range.gateway} ] || [ -e "$leases/$address" ] || break
    number=$((number + 1))
  done
fi
put "$leases/$address" 644 ${call(leaseText(holder))}
keep "$address"
`;
}

/**
 * Sets the holder's address free; nothing is done to anybody else's, and none to one that the machine
 * still has: it has not left for another host yet, or has come back.
 */
export function freeScript(
  network: string,
  address: string,
  holder: Leaseholder,
  host: HostPaths,
): string {
  const { folder, leases, lock } = networkPaths(network, host);
  const lease = `${leases}/${address}`;
  const { record } = machinePaths(holder.machine, host);
  return `
[ -d ${call(folder)} ] || exit 0
if [ "$(${call("owner", record)})" = ${call(holder.stamp.id)} ] && ${call("grep", "-qF", `"address": "${address}"`, record)}; then exit 0; fi
${call("lock", lock, keyOf(holder))}
${call("rm", "-f")} ${call(leases)}/.*.new
if ${call("grep", "-qxF", keyLine(holder), lease)} 2>/dev/null; then ${call("rm", "-f", lease)}; fi
`;
}

/** Sets all addresses of a stamp free but those that its machine has. */
export function freeOthersScript(
  { id }: Pick<OwnershipStamp, "id">,
  kept: readonly { readonly network: string; readonly address: string }[],
  host: HostPaths,
): string {
  const leases = kept.map(
    ({ network, address }) =>
      `${networkPaths(network, host).leases}/${address}`,
  );
  return `
for lease in ${call(host.root)}/networks/*/leases/*; do
  grep -qsF ${call(`"key": "${id}/`)} "$lease" || continue
  case ${call(` ${leases.join(" ")} `)} in *" $lease "*) ;; *) rm -f "$lease" ;; esac
done`;
}

/** Prints `lease ours`, `lease other` or `lease none`. */
export function lookScript(
  network: string,
  address: string,
  holder: Leaseholder,
  host: HostPaths,
): string {
  const lease = `${networkPaths(network, host).leases}/${address}`;
  return `
if ${call("grep", "-qxF", keyLine(holder), lease)} 2>/dev/null; then echo "lease ours"
elif ${call("test", "-e", lease)}; then echo "lease other"
else echo "lease none"
fi
`;
}

function leaseText(holder: Leaseholder): string {
  const { stamp, machine } = holder;
  return recordText(stamp, { machine, key: keyOf(holder) });
}

function keyOf({ stamp, nic }: Leaseholder): string {
  return `${stamp.id}/${nic}`;
}

/** The line of a lease by which its holder is found. */
function keyLine(holder: Leaseholder): string {
  return `  "key": "${keyOf(holder)}",`;
}
