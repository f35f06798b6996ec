import { hypervisorFeatures } from "../features";
import { NEEDED_PROGRAMS } from "../hostFacts";
import type { HostFacts, HostNetwork } from "../hostFacts";
import type { HostPaths } from "../paths";
import type { HypervisorKind } from "../plan";
import { call } from "./hostScript";
import type { Answer } from "./hostScript";

/** Taps of machines: their addresses and routes are those of a network of Corral. */
const TAP = /^cv[0-9a-f]{8}\d+$/;

/** Tells what is there, for {@link readFacts}; changes nothing. */
export function factsScript(network: string, host: HostPaths): string {
  const records = `${host.root}/networks`;
  return `
echo "architecture $(uname -m)"
if [ -d /run/systemd/system ]; then echo "init systemd"; else echo "init $(cat /proc/1/comm)"; fi
for program in ${call(...Object.keys(NEEDED_PROGRAMS))}; do command -v "$program" >/dev/null || echo "missing $program"; done
for device in /dev/net/tun /dev/kvm; do [ ! -c "$device" ] || echo "device $device"; done
said=$(nft list tables 2>&1) || echo "firewall $(printf '%s' "$said" | head -n 1)"
while read -r kind program; do
  path=$(command -v "$program") || continue
  echo "hypervisor $kind $path $("$path" --version 2>&1 | grep -oE '[0-9]+(\\.[0-9]+)+' | head -n 1)"
done <<'END'
${Object.entries(hypervisorFeatures)
  .map(([kind, { program }]) => `${kind} ${program}`)
  .join("\n")}
END
echo "memory $(sed -n 's/^MemAvailable: *\\([0-9]*\\) kB$/\\1/p' /proc/meminfo)"
echo "disk $(df -Pk /var/lib | awk 'NR == 2 { print $4 }')"
ip -4 -o address 2>/dev/null | awk '{ print "address", $2, $4 }'
ip -4 route show table all 2>/dev/null | sed 's/^/route /'
for record in ${call(records)}/*/network.json; do
  name=\${record%/*}; name=\${name##*/}
  [ "$name" = ${call(network)} ] || [ ! -e "$record" ] || echo "network $name $(sed -n 's/^ *"subnet": "\\([^"]*\\)".*/\\1/p' "$record")"
done
own=$(sed -n 's/^ *"subnet": "\\([^"]*\\)".*/\\1/p' ${call(`${records}/${network}/network.json`)} 2>/dev/null)
[ -z "$own" ] || echo "own $own"
echo "id $(cat /etc/machine-id 2>/dev/null)"
`;
}

/** What {@link factsScript} has told. */
export function readFacts(answer: Answer): HostFacts {
  const words = (word: string) =>
    answer.all(word).map((line) => line.split(" "));
  const own = new Set([
    ...answer.all("own"),
    ...words("network").map(([, subnet = ""]) => subnet),
  ]);
  return {
    architecture: answer.must("architecture"),
    init: answer.must("init"),
    missingPrograms: answer.all("missing"),
    devices: answer.all("device"),
    firewallFault: answer.get("firewall"),
    hypervisors: words("hypervisor").map(([kind, path = "", version = ""]) => ({
      kind: kind as HypervisorKind,
      path,
      version,
    })),
    freeMemoryMib: Math.floor(Number(answer.must("memory")) / 1024),
    freeDiskMib: Math.floor(Number(answer.must("disk")) / 1024),
    networks: [
      ...words("network").map(([name = "", cidr = ""]) => ({
        cidr,
        what: `the network ${name} of Corral`,
      })),
      ...words("address")
        .filter(([device = ""]) => !TAP.test(device))
        .map(([device = "", cidr = ""]) => ({
          cidr,
          what: `the address of ${device}`,
          device,
          isOwn: true,
        })),
      ...words("route").flatMap((route) => [
        ...routeOf(route, own),
        ...routerOf(route),
      ]),
    ],
    machineId: answer.must("id"),
  };
}

/** Kinds of routes that may stand in front of the network. */
const ROUTE_KIND =
  /^(unicast|unreachable|blackhole|prohibit|throw|local|broadcast|multicast|nat)$/;

/** The network of a line of `ip route`; none where the line says nothing of a network of the host. */
function routeOf(
  words: readonly string[],
  own: ReadonlySet<string>,
): HostNetwork[] {
  const [kind = ""] = words;
  const cidr = ROUTE_KIND.test(kind) ? words[1] : kind;
  const device = / dev (\S+)/.exec(words.join(" "))?.[1] ?? "";
  // Addresses have been told already; what Corral's networks add is told by their records.
  const isOurs = kind === "unreachable" && own.has(cidr ?? "");
  return cidr === undefined ||
    cidr === "default" ||
    ["local", "broadcast", "multicast"].includes(kind) ||
    TAP.test(device) ||
    isOurs
    ? []
    : [
        device === ""
          ? { cidr, what: "a route" }
          : { cidr, what: `a route by ${device}`, device },
      ];
}

/** The router of a line of `ip route`, whose address no machine may have. */
function routerOf(words: readonly string[]): HostNetwork[] {
  const router = / via (\S+) dev (\S+)/.exec(words.join(" "));
  return router === null
    ? []
    : [{ cidr: `${router[1] ?? ""}/32`, what: "a router of the host" }];
}
