import * as fs from "node:fs";
import * as path from "node:path";
import execa from "execa";
import { lines } from "@corral-iac/corral/core/libvirt-client/parse";
import { libvirtRules } from "./firewall";

/** What stands on this machine that a lab or a stack may have made: each thing as one line. */
export type Census = Readonly<Record<CensusKind, readonly string[]>>;

type CensusKind =
  | "domains"
  | "networks"
  | "pools"
  | "volumes"
  | "processes"
  | "interfaces"
  | "firewall"
  | "files";

/** Where to count. */
export interface Place {
  /** Connection URI of the daemon. */
  readonly uri: string;
  /** Root folder as the daemon sees it; empty: that of this process. */
  readonly root: string;
  /** The kernel's table of the network interfaces there. */
  readonly interfaces: string;
  /** Folders to look into beside libvirt's own. */
  readonly folders: readonly string[];
  /** Whether a running program is one of that place. */
  readonly hasProcess: (pid: number) => boolean;
}

const THIS_MACHINE: Place = {
  uri: "qemu:///system",
  root: "",
  interfaces: "/proc/self/net/dev",
  folders: [],
  hasProcess: () => true,
};

/** Programs that may be left running. Their command lines are matched by their first word. */
const PROGRAMS =
  /^(libvirtd|virtlogd|virtqemud|dnsmasq|qemu-system-\S+|pulumi|pulumi-(language|resource)-\S+|terraform-provider-\S+)$/;

/** Folders in which libvirt keeps what belongs to domains, networks, pools and volumes. */
const FOLDERS = [
  "/etc/libvirt/qemu",
  "/etc/libvirt/storage",
  "/var/lib/libvirt/images",
  "/var/lib/libvirt/qemu",
  "/var/lib/libvirt/dnsmasq",
  // Not /run/libvirt/network: libvirt 9.0 itself leaves `NAME/ports` and `NAME.pid` of undefined networks there.
  "/run/libvirt/qemu",
  "/run/libvirt/storage",
];

/** What a daemon keeps for itself as long as it is installed, whatever machines there were. */
const DAEMON_FILES =
  /^\/var\/lib\/libvirt\/(qemu\/(channel|domain|checkpoint|dump|nvram|ram|save|snapshot)|dnsmasq\/(default\.|virbr0)|images)?$|\/(autostart|networks|checkpoint|dump|nvram|ram|save|snapshot|channel(\/target)?|slirp|passt|dbus|nvdimm|\.placeholder|driver\.pid|nwfilter\.leases)$|master-key\.aes$|\/qemu\/networks\/default\.xml$/;

/**
 * Counts what there is, by libvirt's and the kernel's own tools. Works without a libvirt daemon: its
 * lists are empty then.
 *
 * @param place default: this machine, with libvirt's system daemon.
 */
export async function census(place: Place = THIS_MACHINE): Promise<Census> {
  const pools = await names(place, "pool-list");
  return {
    domains: await names(place, "list"),
    networks: await names(place, "net-list"),
    pools,
    volumes: (
      await Promise.all(pools.map((pool) => volumesOf(place, pool)))
    ).flat(),
    processes: processes(place),
    interfaces: interfaces(place),
    // The rules of another network namespace are gone with it.
    firewall: place.root === "" ? await libvirtRules() : [],
    files: [...FOLDERS, ...place.folders]
      .flatMap((folder) => filesUnder(place.root, folder))
      .filter((file) => !DAEMON_FILES.test(file)),
  };
}

/** What is there after and was not before, and the other way round, as lines for people. */
export function diffCensus<Kind extends string>(
  before: Readonly<Record<Kind, readonly string[]>>,
  after: Readonly<Record<Kind, readonly string[]>>,
): string[] {
  const kinds = Object.keys(before) as Kind[];
  return kinds.flatMap((kind) => [
    ...without(after[kind], before[kind]).map(
      (item) => `left behind: ${kind} ${item}`,
    ),
    ...without(before[kind], after[kind]).map(
      (item) => `gone: ${kind} ${item}`,
    ),
  ]);
}

/** Items of a list that the other has not, as often as they stand there more. */
function without(list: readonly string[], other: readonly string[]): string[] {
  const rest = [...other];
  return list.filter((item) => {
    const index = rest.indexOf(item);
    if (index >= 0) {
      rest.splice(index, 1);
    }
    return index < 0;
  });
}

async function names(
  place: Place,
  list: "list" | "net-list" | "pool-list",
): Promise<string[]> {
  return lines(await virsh(place, list, "--all", "--name"));
}

async function volumesOf(place: Place, pool: string): Promise<string[]> {
  await virsh(place, "pool-refresh", pool);
  const rows = lines(await virsh(place, "vol-list", pool));
  return rows.map((row) => `${pool}/${row.split(/\s+/)[0]}`);
}

/** An unreachable daemon and an inactive pool have nothing to list. */
async function virsh(place: Place, ...args: string[]): Promise<string> {
  const run = await execa("virsh", ["-q", "-c", place.uri, ...args], {
    reject: false,
    timeout: 20_000,
  });
  return run.exitCode === 0 ? run.stdout : "";
}

/** Running programs of interest, without their pids: two of a kind stand twice. */
function processes({ hasProcess }: Place): string[] {
  return fs
    .readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry) && hasProcess(Number(entry)))
    .flatMap((pid) => programName(pid) ?? [])
    .sort();
}

function programName(pid: string): string | undefined {
  try {
    const words = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    // A script stands behind its interpreter: node .../pulumi-resource-corral-ops.
    return words
      .slice(0, 2)
      .map((word) => path.basename(word))
      .find((name) => PROGRAMS.test(name));
  } catch {
    return undefined; // It ended while we looked.
  }
}

/** Interfaces of machines and networks. */
function interfaces(place: Place): string[] {
  return fs
    .readFileSync(place.interfaces, "utf8")
    .split("\n")
    .map((line) => line.split(":")[0]?.trim() ?? "")
    .filter((name) => /^(virbr|vnet|tap|macvtap|br-)/.test(name));
}

function filesUnder(root: string, folder: string): string[] {
  if (!fs.existsSync(root + folder)) {
    return [];
  }
  return (fs.readdirSync(root + folder, { recursive: true }) as string[])
    .map((file) => path.join(folder, file))
    .sort();
}
