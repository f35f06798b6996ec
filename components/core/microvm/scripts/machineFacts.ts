import type { MachineFacts } from "../machineFaults";
import { machinePaths, machineUnit, networkPaths } from "../paths";
import type { HostPaths } from "../paths";
import type { HypervisorKind } from "../plan";
import { type Answer, call } from "./hostScript";
import { hypervisorScript } from "./machineScripts";

/** What of a machine is looked for. */
export interface MachineLook {
  /** Its name on the host. */
  readonly name: string;
  readonly hypervisor: HypervisorKind;
  readonly disks: readonly { readonly name: string; readonly path: string }[];
  readonly networks: readonly string[];
}

/** Tells what the host has for the machine, for {@link readMachineFacts}; changes nothing. */
export function machineFactsScript(
  { name, hypervisor, disks, networks }: MachineLook,
  host: HostPaths,
): string {
  const { folder } = machinePaths(name, host);
  return `
if found=$( (${hypervisorScript(hypervisor)}) 2>&1); then printf '%s\\n' "$found"; else echo "nohypervisor $found"; fi
for device in /dev/kvm /dev/net/tun /dev/vhost-vsock; do ! [ -e "$device" ] || echo "device $device"; done
echo "memory $(sed -n 's/^MemAvailable: *\\([0-9]*\\) kB$/\\1/p' /proc/meminfo)"
pid=$(systemctl show --property MainPID --value ${call(machineUnit(name))} 2>/dev/null)
[ "\${pid:-0}" = 0 ] || echo "own $(sed -n 's/^VmRSS:[^0-9]*\\([0-9]*\\) kB$/\\1/p' "/proc/$pid/status" 2>/dev/null)"
${disks
  .map(
    ({ name: disk, path }) =>
      `grep -lF ${call(`"path": ${JSON.stringify(path)}`)} ${call(host.root)}/machines/*/machine.json 2>/dev/null | grep -vxF ${call(`${folder}/machine.json`)} | head -n 1 | sed -n ${call(`s,^.*/\\([^/]*\\)/machine\\.json$,inuse ${disk} ${path} \\1,p`)}`,
  )
  .join("\n")}
${networks
  .map(
    (network) =>
      `[ -e ${call(networkPaths(network, host).record)} ] || echo ${call(`nonetwork ${network}`)}`,
  )
  .join("\n")}
true
`;
}

/** Pure. */
export function readMachineFacts(answer: Answer): MachineFacts {
  const path = answer.get("path");
  const mib = (kib: string | undefined) => Math.floor(Number(kib ?? 0) / 1024);
  return {
    hostId: answer.must("host"),
    hypervisor:
      path === undefined
        ? undefined
        : { path, version: answer.must("version") },
    hypervisorFault: answer.get("nohypervisor")?.trim(),
    devices: answer.all("device"),
    freeMemoryMib: mib(answer.must("memory")),
    ownMemoryMib: mib(answer.get("own")),
    disksInUse: answer.all("inuse").map((line) => {
      const [disk = "", used = "", machine = ""] = line.split(" ");
      return { disk, path: used, machine };
    }),
    missingNetworks: answer.all("nonetwork"),
  };
}
