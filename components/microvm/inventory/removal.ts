import type { HypervisorObject } from "../../core/inventory/lister";
import { hostPaths, networkPaths } from "../../core/microvm/paths";
import { call, FUNCTIONS } from "../../core/microvm/scripts/hostScript";
import { releaseScript } from "../../core/microvm/scripts/images";
import { removeMachineScript } from "../../core/microvm/scripts/machineScripts";
import { networkRemoveScript } from "../../core/microvm/scripts/network";
import { removeScript } from "../../core/microvm/scripts/volumes";

/** The script that takes an object away for good; nothing happens when it is gone already. */
export function removalOf(object: HypervisorObject): string {
  const { kind, name, id, handle, owner, detail } = object;
  const stamp = { id: owner?.stampId ?? "" };
  const key = handle.slice(handle.indexOf(":") + 1);
  const [first = "", second = ""] = key.split("/");
  switch (kind) {
    case "machine":
      return script(removeMachineScript(name, stamp, hostPaths));
    case "volume":
      return script(
        removeScript({ machine: first, volume: second, stamp }, hostPaths),
      );
    case "lease":
      return script(removeLease(first, second, stamp.id));
    case "image": {
      const [sha256 = "", user = ""] = id.split("/");
      return script(releaseScript({ sha256, user }, hostPaths));
    }
    case "network":
      return script(
        networkRemoveScript(
          { name, stamp, token: id, subnet: detail },
          hostPaths,
        ),
      );
    default:
      throw new Error(`a host of microVMs knows nothing of the kind "${kind}"`);
  }
}

/** Ends the steps of stamps that still hold a lock. */
export function endWorkScript(
  stampIds: readonly string[],
  { run } = hostPaths,
): string {
  const ours = stampIds.map((id) => `${id}*`).join("|");
  return script(`
for lock in ${call(run)}/*.lock; do
  key=$(cut -d ' ' -f 1 "$lock" 2>/dev/null)
  case $key in ${ours}) end_earlier "$lock" "$key" ;; esac
done
exit 0
`);
}

const script = (text: string) =>
  `PATH=$PATH:/usr/sbin:/sbin; export PATH\n${FUNCTIONS}\n${text}`;

function removeLease(
  network: string,
  address: string,
  stampId: string,
): string {
  const { leases, lock } = networkPaths(network, hostPaths);
  return `
${call("lock", lock, stampId)}
${call("rm", "-f", `${leases}/${address}`)} ${call(leases)}/.*.new
`;
}
