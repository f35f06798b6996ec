import type { LabHost } from "@corral-iac/tools/lab/host/labHost";

/** What stands on a host that microVMs may have made: each thing as one line. */
export type HostCensus = Readonly<Record<HostCensusKind, readonly string[]>>;

const KINDS = [
  "units",
  "links",
  "routes",
  "firewall",
  "files",
  "users",
  "processes",
  "settings",
] as const;

type HostCensusKind = (typeof KINDS)[number];

/** By the host's own tools, never by what Corral says of itself. */
const COUNT = `
section() { printf '== %s\\n' "$1"; }
section units
systemctl list-units --all --plain --no-legend 'corral-*' | awk '{ print $1, $3 }'
systemctl list-unit-files --no-legend 'corral-*' | awk '{ print "file", $1, $2 }'
section links
ip -o link | awk -F': ' '{ print $2 }' | sed 's/@.*//'
section routes
ip -o -4 route
section firewall
nft list ruleset
section files
find /var/lib/corral /run/corral-microvm /etc/systemd/system /etc/sysctl.d /etc/modules-load.d 2>/dev/null | sort
section users
getent passwd | grep '^corral-' | cut -d: -f1
getent group | grep '^corral-' | sed 's/^\\([^:]*\\):.*/group \\1/'
section processes
ps -eo args= | awk '{ print $1 }' | grep -E 'qemu|cloud-hypervisor|firecracker|virtiofsd|socat'
section settings
cat /proc/sys/net/ipv4/ip_forward
true`;

/** Folders that systemd itself makes when a unit is first enabled, and leaves. */
const SYSTEMD_FOLDERS = /^\/etc\/systemd\/system\/[^/]+\.wants$/;

/** Counts what there is on a host; compare two by `diffCensus`. */
export async function hostCensus(host: LabHost): Promise<HostCensus> {
  const found = new Map<string, string[]>();
  let current: string[] = [];
  for (const line of (await host.exec(COUNT)).split("\n")) {
    const kind = /^== (\w+)$/.exec(line)?.[1];
    if (kind !== undefined) {
      found.set(kind, (current = []));
    } else if (line.trim() !== "" && !SYSTEMD_FOLDERS.test(line)) {
      current.push(line.trim());
    }
  }
  return Object.fromEntries(
    KINDS.map((kind) => [kind, found.get(kind) ?? []]),
  ) as unknown as HostCensus;
}
