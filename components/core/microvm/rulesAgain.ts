import { networkUnit } from "./paths";
import type { HostPaths } from "./paths";
import { commandLine } from "./systemdText";

/** Files that bring the rules of all networks and machines of a host back. */
export function rulesAgainPaths({ root, units }: HostPaths) {
  const folder = `${units}/nftables.service.d`;
  return {
    script: `${root}/load-rules`,
    /** Where a host has no such service, systemd takes no notice of it. */
    folder,
    dropIn: `${folder}/corral-microvm.conf`,
  } as const;
}

/**
 * Loads the rules of the networks and machines that are up, in one transaction: no packet sees a network
 * without its machines' part. Changes nothing where all of it is there.
 */
export function loadRulesScript({ root }: HostPaths): string {
  return `#!/bin/sh
# Made by Corral: loads the rules of microVMs again. It may be run at any time.
cd '${root}' || exit 0
set --
for rules in networks/*/network.nft; do
  name=\${rules%/*}
  name=\${name#networks/}
  ! systemctl is-active --quiet "${networkUnit("$name")}" || set -- "$@" "$rules"
done
for rules in machines/*/machine.nft; do
  # Only a machine that is up has an interface.
  tap=$(sed -n 's/^add element inet .*{ "\\(cv[0-9a-f]*\\)".*/\\1/p' "$rules" 2>/dev/null | head -n 1)
  [ -z "$tap" ] || [ ! -e "/sys/class/net/$tap" ] || set -- "$@" "$rules"
done
[ "$#" -gt 0 ] || exit 0
cat "$@" | nft -f - && exit 0
# One of them is wrong: the others shall hold.
for rules in "$@"; do nft -f "$rules"; done
`;
}

/** The host's own firewall begins, and ends, by removing all rules: it has Corral's loaded again. */
export function nftablesDropIn(host: HostPaths): string {
  const load = `-${commandLine(["/bin/sh", rulesAgainPaths(host).script])}`;
  return [
    "# Made by Corral: nftables.service removes all rules, and with them those of microVMs.",
    "[Service]",
    `ExecStartPost=${load}`,
    `ExecReload=${load}`,
    `ExecStopPost=${load}`,
    "",
  ].join("\n");
}
