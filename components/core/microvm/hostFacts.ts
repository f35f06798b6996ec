import { type Ipv4Network, networksOverlap, parseIpv4Network } from "../ipv4";
import { hypervisorFeatures, versionProblem } from "./features";
import type { Acceleration, Hypervisor, HypervisorKind } from "./plan";

/** What was found on a host, before anything is changed there. */
export interface HostFacts {
  /** As `uname -m` calls it. */
  readonly architecture: string;
  /** Name of the first process. */
  readonly init: string;
  /** Of {@link NEEDED_PROGRAMS}, those that are not there. */
  readonly missingPrograms: readonly string[];
  /** Of /dev/net/tun and /dev/kvm, those that are there. */
  readonly devices: readonly string[];
  /** Why nftables does not work; undefined: it does. */
  readonly firewallFault: string | undefined;
  readonly hypervisors: readonly Hypervisor[];
  readonly freeMemoryMib: number;
  /** Where machines and their volumes lie. */
  readonly freeDiskMib: number;
  /** Networks of the host: its addresses and routes, and other networks of Corral. */
  readonly networks: readonly HostNetwork[];
  /** Known by /etc/machine-id. */
  readonly machineId: string;
}

export interface HostNetwork {
  /** `10.0.0.0/24`, `10.0.0.5/32`; bits behind the prefix do not count. */
  readonly cidr: string;
  /** For messages: `the address of eth0`. */
  readonly what: string;
  /** The interface that it is at; left out: none. */
  readonly device?: string;
  /** Whether it is the host's own address, with the prefix of the network around it. */
  readonly isOwn?: boolean;
}

/** What is wanted of a host. */
export interface HostWishes {
  /** Left out: the one that there is, which lies where it lies. */
  readonly subnet?: string | undefined;
  readonly acceleration: Acceleration;
  /** Those that have to be there; empty: any one. */
  readonly hypervisors: readonly HypervisorKind[];
  readonly freeMemoryMib: number;
  readonly freeDiskGib: number;
  /** The host's interface into whose network the machines go. */
  readonly lan?: string | undefined;
}

/** Programs that a host needs, and the Debian package that has them. */
export const NEEDED_PROGRAMS: Readonly<Record<string, string>> = {
  systemctl: "systemd",
  journalctl: "systemd",
  ip: "iproute2",
  nft: "nftables",
  sysctl: "procps",
  useradd: "passwd",
  userdel: "passwd",
  runuser: "util-linux",
  flock: "util-linux",
  unshare: "util-linux",
  mke2fs: "e2fsprogs",
  resize2fs: "e2fsprogs",
  e2fsck: "e2fsprogs",
  // Fetches images, and asks cloud-hypervisor and Firecracker to shut a guest down.
  curl: "curl",
};

/** What of a network's arguments says what its host must have. */
type Asking = Required<Pick<HostWishes, "freeMemoryMib" | "freeDiskGib">> & {
  readonly subnet: string;
  readonly lan?: string | undefined;
};

/**
 * What a network asks of its host anew: its machines have taken of the room that there was when it was
 * made, and the rest must not keep it from being repaired.
 *
 * @param before the arguments that it has; undefined: there is none yet.
 */
export function newWishes<T extends Asking>(
  args: T,
  before: Asking | undefined,
): Omit<T, "subnet"> & Pick<HostWishes, "subnet"> {
  if (before === undefined) {
    return args;
  }
  const { freeMemoryMib, freeDiskGib, subnet, lan } = args;
  return {
    ...args,
    freeMemoryMib: freeMemoryMib === before.freeMemoryMib ? 0 : freeMemoryMib,
    freeDiskGib: freeDiskGib === before.freeDiskGib ? 0 : freeDiskGib,
    subnet: subnet === before.subnet && lan === before.lan ? undefined : subnet,
  };
}

/** Everything that the host lacks, each with a remedy. */
export function hostFaults(facts: HostFacts, wishes: HostWishes): string[] {
  return [
    ...systemFaults(facts),
    ...accelerationFaults(facts, wishes),
    ...hypervisorFaults(facts, wishes),
    ...roomFaults(facts, wishes),
    ...subnetFaults(facts, wishes),
  ];
}

function systemFaults({
  architecture,
  init,
  missingPrograms,
  devices,
  firewallFault,
}: HostFacts): string[] {
  const packages = [
    ...new Set(missingPrograms.map((name) => NEEDED_PROGRAMS[name] ?? name)),
  ];
  return [
    ...(architecture === "x86_64"
      ? []
      : [`its architecture is ${architecture}, must be x86_64`]),
    ...(init === "systemd"
      ? []
      : [
          `its first process is ${init}, must be systemd: machines are its services`,
        ]),
    ...(missingPrograms.length === 0
      ? []
      : [
          `it lacks ${missingPrograms.join(", ")}; on Debian: apt-get install ${packages.join(" ")}`,
        ]),
    ...(devices.includes("/dev/net/tun")
      ? []
      : [
          "it has no /dev/net/tun, which machines' interfaces are made by: modprobe tun; in a container, let it have the device",
        ]),
    ...(firewallFault === undefined || missingPrograms.includes("nft")
      ? []
      : [`nftables does not work there: ${firewallFault}`]),
  ];
}

function accelerationFaults(
  { devices }: HostFacts,
  { acceleration }: HostWishes,
): string[] {
  return acceleration === "kvm" && !devices.includes("/dev/kvm")
    ? [
        'it has no /dev/kvm: switch on virtualization in its firmware and load kvm_intel or kvm_amd; or give accelerator: "tcg", with which QEMU emulates, many times slower',
      ]
    : [];
}

function hypervisorFaults(
  { hypervisors }: HostFacts,
  { acceleration, hypervisors: wanted }: HostWishes,
): string[] {
  const usable = (kind: HypervisorKind) =>
    acceleration === "kvm" || hypervisorFeatures[kind].emulates;
  const faults = wanted.flatMap((kind) => {
    const { title, program } = hypervisorFeatures[kind];
    if (!usable(kind)) {
      return [`${title} cannot emulate: it needs accelerator: "kvm"`];
    }
    const found = hypervisors.find((entry) => entry.kind === kind);
    if (found === undefined) {
      return [`${program} is in none of its folders of programs`];
    }
    const problem = versionProblem(kind, found.version);
    return problem === undefined ? [] : [problem];
  });
  if (wanted.length > 0 || hypervisors.some(({ kind }) => usable(kind))) {
    return faults;
  }
  const programs = (Object.keys(hypervisorFeatures) as HypervisorKind[])
    .filter(usable)
    .map((kind) => hypervisorFeatures[kind].program);
  return [
    `it has no hypervisor: install ${programs.join(" or ")} into one of its folders of programs; on Debian: apt-get install qemu-system-x86`,
  ];
}

function roomFaults(
  { freeMemoryMib, freeDiskMib }: HostFacts,
  wishes: HostWishes,
): string[] {
  const wantedDiskMib = Math.ceil(wishes.freeDiskGib * 1024);
  return [
    ...(freeMemoryMib >= wishes.freeMemoryMib
      ? []
      : [
          `it has ${freeMemoryMib} MiB of memory available, must have ${wishes.freeMemoryMib} (freeMemoryMib)`,
        ]),
    ...(freeDiskMib >= wantedDiskMib
      ? []
      : [
          `it has ${freeDiskMib} MiB of disk free at /var/lib, must have ${wantedDiskMib} (freeDiskGib)`,
        ]),
  ];
}

function subnetFaults(
  { networks }: HostFacts,
  { subnet, lan }: HostWishes,
): string[] {
  const own = subnet === undefined ? undefined : parseIpv4Network(subnet);
  if (subnet === undefined || own === undefined) {
    return [];
  }
  const faults = lan === undefined ? [] : lanFaults(networks, own, subnet, lan);
  if (faults.length > 0) {
    return faults;
  }
  const clashes = networks.filter(({ cidr, device, isOwn }) => {
    const other = networkAround(cidr);
    if (other === undefined) {
      return false;
    }
    // A part of the interface's own network overlaps that, and may not hold the host itself.
    if (lan !== undefined && device === lan && other.prefix < own.prefix) {
      const address = networkAround(cidr.replace(/\/.*$/, ""));
      return isOwn && address !== undefined && networksOverlap(own, address);
    }
    return networksOverlap(own, other);
  });
  return clashes.length === 0
    ? []
    : [
        `the subnet ${subnet} overlaps ${clashes.map(({ cidr, what }) => `${cidr} (${what})`).join(", ")}: give another subnet`,
      ];
}

/** A subnet in the network of one of the host's interfaces has to be a part of it. */
function lanFaults(
  networks: readonly HostNetwork[],
  own: Ipv4Network,
  subnet: string,
  lan: string,
): string[] {
  const addresses = networks.filter(({ isOwn }) => isOwn);
  const there = addresses.filter(({ device }) => device === lan);
  if (there.length === 0) {
    const devices = [...new Set(addresses.map(({ device }) => device))];
    return [
      `it has no interface ${lan} with an IPv4 address (lan): it has ${devices.join(", ")}`,
    ];
  }
  const isPart = there.some(({ cidr }) => {
    const around = networkAround(cidr);
    return (
      around !== undefined &&
      around.prefix < own.prefix &&
      networksOverlap(around, own)
    );
  });
  return isPart
    ? []
    : [
        `the subnet ${subnet} is no part of the network of ${lan} (${there.map(({ cidr }) => cidr).join(", ")}): give a part of it that nobody else has addresses in`,
      ];
}

/** The network that an address with a prefix is in; an address alone is a network of one. */
export function networkAround(cidr: string): Ipv4Network | undefined {
  const [address = "", prefix = "32"] = cidr.split("/");
  const own = parseIpv4Network(`${address}/32`);
  const bits = Number(prefix);
  if (own === undefined || !Number.isInteger(bits) || bits < 0 || bits > 32) {
    return undefined;
  }
  const size = 2 ** (32 - bits);
  return { base: Math.floor(own.base / size) * size, prefix: bits };
}
