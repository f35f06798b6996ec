import type { Reference } from "../../core/inventory/lister";
import type { MachineStatus } from "../../core/inventory/status";
import { hostPaths, machinePaths, machineUnit } from "../../core/microvm/paths";
import { Answer, call } from "../../core/microvm/scripts/hostScript";
import { TYPES } from "./handles";

/** The machines among references of one place, with their names on the host. */
export function machinesAt(place: string, references: readonly Reference[]) {
  return references
    .filter((one) => one.type === TYPES.machine && one.place === place)
    .map(({ urn, handle }) => ({
      urn,
      machine: handle.slice(handle.indexOf(":") + 1),
    }));
}

/** What systemd knows of the machines, one line each. */
export function statusScript(machines: readonly string[]): string {
  const look = machines.map((machine, index) => {
    const unit = machineUnit(machine);
    const { record } = machinePaths(machine, hostPaths);
    return `
printf 'machine ${index} %s %s %s %s\\n' "$(${call("systemctl", "is-active", unit)})" "$(of ${call(unit)} MemoryCurrent)" "$(of ${call(unit)} ActiveEnterTimestampMonotonic)" "$(base64 -w 0 ${call(record)} 2>/dev/null)"`;
  });
  return `
of() { systemctl show --property "$2" --value "$1"; }
echo "now $(cut -d ' ' -f 1 /proc/uptime)"${look.join("")}
`;
}

/** Pure. */
export function parseStatus(
  stdout: string,
  machines: readonly { readonly urn: string }[],
): MachineStatus[] {
  const answer = new Answer(stdout);
  const now = Number(answer.must("now"));
  const lines = new Map(
    answer.all("machine").map((line) => {
      const [index = "", ...fields] = line.split(" ");
      return [Number(index), fields];
    }),
  );
  return machines.map(({ urn }, index) => {
    const [state = "gone", bytes = "", since = "", encoded = ""] =
      lines.get(index) ?? [];
    const text = Buffer.from(encoded, "base64").toString();
    const { vcpus, memoryMib, interfaces } = (
      text === "" ? {} : JSON.parse(text)
    ) as {
      vcpus?: number;
      memoryMib?: number;
      interfaces?: { address: string }[];
    };
    const isUp = state === "active";
    return {
      urn,
      state: text === "" ? "gone" : state,
      addresses: (interfaces ?? []).map(({ address }) => address),
      ...(vcpus !== undefined && { vcpus }),
      ...(memoryMib !== undefined && { memoryMib }),
      ...(isUp &&
        /^\d+$/.test(bytes) && {
          residentMib: Math.round(Number(bytes) / 1024 ** 2),
        }),
      ...(isUp &&
        /^[1-9]\d*$/.test(since) && {
          uptimeSeconds: Math.max(0, Math.round(now - Number(since) / 1e6)),
        }),
    };
  });
}
