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

/** Of a unit, in the order in which they stand in its line behind its state. */
const PROPERTIES = [
  "MemoryCurrent",
  "ActiveEnterTimestampMonotonic",
  "MainPID",
  "CPUUsageNSec",
];

/** What systemd knows of the machines, one line each. */
export function statusScript(machines: readonly string[]): string {
  const look = machines.map((machine, index) => {
    const unit = machineUnit(machine);
    const { record } = machinePaths(machine, hostPaths);
    return `
echo "machine ${index} $(${call("systemctl", "is-active", unit)}) $(facts ${call(unit)}) $(base64 -w 0 ${call(record)} 2>/dev/null)"`;
  });
  return `
# One word each: what systemd does not know is "[not set]".
of() { echo $(for name in ${PROPERTIES.join(" ")}; do systemctl show --property "$name" --value "$1" | tr -cd 0-9; echo; done | sed 's/^$/-/'); }
facts() {
  set -- $(of "$1")
  cpu=$4
  # On cgroup v1 systemd counts no processor time unless it is told to; the kernel does for the process.
  if [ "$cpu" = - ] && [ -r "/proc/$3/stat" ]; then
    cpu=$(sed 's/.*) //' "/proc/$3/stat" | awk -v ticks="$(getconf CLK_TCK)" '{ printf "%.0f", ($12 + $13) * 1e9 / ticks }')
  fi
  echo "$1 $2 $3 \${cpu:--}"
}
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
    const [state = "gone", bytes, since, pid, cpu, encoded = ""] =
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
    const known = (word: string | undefined) =>
      // Older versions of systemd say 2^64 - 1 of what they do not know.
      isUp && word !== undefined && /^\d{1,18}$/.test(word)
        ? Number(word)
        : undefined;
    return {
      urn,
      state: text === "" ? "gone" : state,
      addresses: (interfaces ?? []).map(({ address }) => address),
      ...present({
        vcpus,
        memoryMib,
        residentMib: scaled(known(bytes), 1024 ** 2),
        uptimeSeconds: uptime(known(since), now),
        pid: known(pid),
        cpuSeconds: scaled(known(cpu), 1e9),
      }),
    };
  });
}

function scaled(value: number | undefined, unit: number): number | undefined {
  return value === undefined ? undefined : Math.round(value / unit);
}

function uptime(since: number | undefined, now: number): number | undefined {
  // 0 is what systemd says of one that never was active.
  return since === undefined || since === 0
    ? undefined
    : Math.max(0, Math.round(now - since / 1e6));
}

/** The fields that are there. */
function present<T extends object>(
  fields: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
