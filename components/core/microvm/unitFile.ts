import { createHash } from "node:crypto";

import { canonicalJson } from "../canonicalJson";
import {
  API_SOCKET,
  cloudHypervisorArguments,
} from "./cloudHypervisorArguments";
import { hypervisorFeatures } from "./features";
import { firecrackerArguments, firecrackerConfig } from "./firecrackerConfig";
import {
  type HostPaths,
  machinePaths,
  machineUser,
  networkPaths,
  sharePaths,
  networkUnit,
  shareUnit,
  tapName,
} from "./paths";
import type { MachinePlan, PlannedInterface } from "./plan";
import { qemuArguments } from "./qemuArguments";
import { commandLine, commandLines, settingText } from "./systemdText";

/** By this variable of its environment a running hypervisor is known to be the one that was declared. */
export const REVISION_VARIABLE = "CORRAL_REVISION";

/** How long systemd waits after the guest's time to shut down, before it kills. */
const KILL_SECONDS = 10;

/** systemd's unit of a machine (systemd.service(5), systemd.exec(5), systemd.resource-control(5)). */
export function unitFile(plan: MachinePlan, host: HostPaths): string {
  return [
    "# Made by Corral: what is changed here by hand is set right by the next up.",
    section("Unit", [
      `Description=microVM ${settingText(plan.name)}`,
      ...networksOf(plan).flatMap((network) => [
        `Requires=${networkUnit(network)}`,
        `After=${networkUnit(network)}`,
      ]),
      ...(plan.shares ?? []).flatMap(({ name }) => [
        `Requires=${shareUnit(plan.name, name)}`,
        `After=${shareUnit(plan.name, name)}`,
      ]),
      // A machine that ends again and again is started again and again.
      "StartLimitIntervalSec=0",
    ]),
    section("Service", [
      "Type=exec",
      `User=${machineUser(plan.name)}`,
      `SyslogIdentifier=${settingText(plan.name)}`,
      `Environment=${REVISION_VARIABLE}=${revision(plan, host)}`,
      ...runtimeFolder(plan, host),
      ...startAndStop(plan, host),
      ...limits(plan),
      ...hardening(plan, host),
    ]),
    section("Install", ["WantedBy=multi-user.target"]),
  ].join("\n");
}

/**
 * What a running hypervisor was started with, as a hash: another one takes a restart. Limits, rules
 * and the restart policy are none of it.
 */
export function revision(plan: MachinePlan, host: HostPaths): string {
  const started = [
    hypervisorCommand(plan, host),
    plan.hypervisor.kind === "firecracker" ? configFile(plan, host) : "",
    plan.hypervisor.version,
    plan.interfaces,
    plan.disks,
    ...(plan.shares?.length ? [plan.shares] : []),
  ];
  return createHash("sha256")
    .update(canonicalJson(started))
    .digest("hex")
    .slice(0, 16);
}

/** Firecracker's configuration as it lies on the host; empty for the others, which have none. */
export function configFile(plan: MachinePlan, host: HostPaths): string {
  return plan.hypervisor.kind === "firecracker"
    ? `${JSON.stringify(firecrackerConfig(plan, machinePaths(plan.name, host).run), null, 2)}\n`
    : "";
}

/** Whether the machine's interfaces have more than one queue. */
export function hasQueues({ hypervisor, vcpus }: MachinePlan): boolean {
  return hypervisorFeatures[hypervisor.kind].hasQueues && vcpus > 1;
}

function section(name: string, lines: readonly string[]): string {
  return [`[${name}]`, ...lines, ""].join("\n");
}

function networksOf({ interfaces }: MachinePlan): string[] {
  return [...new Set(interfaces.map(({ network }) => network))];
}

/** A folder for sockets that is new at each start, so that none is left over from the last one. */
function runtimeFolder(plan: MachinePlan, host: HostPaths): string[] {
  const { run } = machinePaths(plan.name, host);
  return [
    `RuntimeDirectory=${run.replace(/^\/run\//, "")}`,
    "RuntimeDirectoryMode=0700",
  ];
}

function startAndStop(plan: MachinePlan, host: HostPaths): string[] {
  const { run, rules, rulesGone, stop } = machinePaths(plan.name, host);
  const taps = plan.interfaces.map((_, index) => tapName(plan.name, index));
  return [
    ...plan.interfaces.flatMap((nic, index) =>
      tapCommands(plan, nic, tapName(plan.name, index)),
    ),
    // Somebody may have removed all rules since the network came up: the machine's part needs its maps.
    ...networksOf(plan).map(
      (network) =>
        `ExecStartPre=+-${commandLine(["nft", "-f", networkPaths(network, host).rules])}`,
    ),
    `ExecStartPre=+${commandLine(["nft", "-f", rules])}`,
    ...plan.disks.filter(({ grows }) => grows).map(growCommand),
    ...(plan.hypervisor.kind === "qemu"
      ? [
          `ExecStartPre=${commandLine(["mkfifo", `${run}/monitor.in`, `${run}/monitor.out`])}`,
        ]
      : []),
    `ExecStart=${commandLines(hypervisorCommand(plan, host))}`,
    `ExecStop=${commandLine(["/bin/sh", stop])} $MAINPID`,
    `ExecStopPost=+-${commandLine(["nft", "-f", rulesGone])}`,
    ...plan.interfaces.flatMap(({ address, lan }) =>
      lan === undefined
        ? []
        : [
            `ExecStopPost=+-${commandLine(answerForMachine("delete", address, lan))}`,
          ],
    ),
    ...taps.map(
      (tap) => `ExecStopPost=+-${commandLine(["ip", "link", "delete", tap])}`,
    ),
    "TimeoutStartSec=120",
    `TimeoutStopSec=${plan.stopTimeoutSeconds + KILL_SECONDS}`,
    `Restart=${restartPolicy(plan)}`,
    "RestartSec=1",
  ];
}

/** The host's end of an interface: its other end is the gateway of a network of one machine. */
function tapCommands(
  plan: MachinePlan,
  nic: PlannedInterface,
  tap: string,
): string[] {
  const queues = hasQueues(plan) ? ["multi_queue", "vnet_hdr"] : [];
  const user = machineUser(plan.name);
  const add = ["ip", "tuntap", "add", "dev", tap, "mode", "tap", "user", user];
  return [
    `ExecStartPre=+-${commandLine(["ip", "link", "delete", tap])}`,
    ...[[...add, ...queues], ...tapSettings(nic, tap)].map(
      (words) => `ExecStartPre=+${commandLine(words)}`,
    ),
    // Nor does the host itself speak IPv6 there; a kernel may have none.
    `ExecStartPre=+-${commandLine(["sysctl", "-q", "-w", `net.ipv6.conf.${tap}.disable_ipv6=1`])}`,
  ];
}

/** The commands that set an interface up, in their order; they change nothing where it is. */
export function tapSettings(
  { address, gateway, lan }: PlannedInterface,
  tap: string,
): string[][] {
  return [
    ["ip", "address", "replace", `${gateway}/32`, "dev", tap],
    ["ip", "link", "set", tap, "up"],
    // The machine takes all of its network for neighbours: the host answers for them.
    ["sysctl", "-q", "-w", `net.ipv4.conf.${tap}.proxy_arp=1`],
    ["ip", "route", "replace", `${address}/32`, "dev", tap],
    ...(lan === undefined ? [] : [answerForMachine("replace", address, lan)]),
  ];
}

/**
 * The command by which the host answers ARP for the machine in the network of one of its interfaces
 * (ip-neighbour(8)): who is there takes the machine for a neighbour.
 */
function answerForMachine(
  action: "replace" | "delete",
  address: string,
  lan: string,
): string[] {
  return ["ip", "neighbour", action, "proxy", address, "dev", lan];
}

/** The file system of a file that has become larger; run as the machine's own user. */
function growCommand({ path }: { readonly path: string }): string {
  return `ExecStartPre=-${commandLine(["/bin/sh", "-c", GROW, "grow", path])}`;
}

/** resize2fs wants a whole check before it, which takes long: only where there is something to grow. */
const GROW =
  'set -- "$1" $(dumpe2fs -h "$1" 2>/dev/null | sed -n "s/^Block count: *//p; s/^Block size: *//p"); ' +
  '[ "$#" -lt 3 ] || [ $(($2 * $3 + $3)) -gt "$(stat -c %s "$1")" ] || { e2fsck -f -p "$1"; resize2fs "$1"; }';

function hypervisorCommand(plan: MachinePlan, host: HostPaths): string[] {
  const { run, config } = machinePaths(plan.name, host);
  switch (plan.hypervisor.kind) {
    case "qemu":
      return qemuArguments(plan, run, shareSockets(plan, host));
    case "cloudHypervisor":
      return cloudHypervisorArguments(plan, run, shareSockets(plan, host));
    case "firecracker":
      return firecrackerArguments(plan, config, `${run}/${API_SOCKET}`);
  }
}

/** Where the servers of the shared folders listen. */
export function shareSockets(
  { name, shares = [] }: MachinePlan,
  host: HostPaths,
): string[] {
  return shares.map((share) => sharePaths(name, share.name, host).socket);
}

function restartPolicy({ restart }: MachinePlan): string {
  return { always: "always", onFailure: "on-failure", never: "no" }[restart];
}

function limits(plan: MachinePlan): string[] {
  return [
    `MemoryMax=${plan.memoryMib + plan.memoryOverheadMib}M`,
    `CPUQuota=${plan.cpuQuotaPercent}%`,
    `TasksMax=${mostTasks(plan)}`,
    "LimitNOFILE=65536",
  ];
}

/** What a hypervisor has beside the threads that grow with its processors, with room to spare. */
const OTHER_TASKS = 256;

/** One thread for each processor, and as many again for the queues of each device. */
function mostTasks({ vcpus, interfaces, disks }: MachinePlan): number {
  return OTHER_TASKS + vcpus * (1 + interfaces.length + disks.length);
}

/** What a hypervisor that a guest has taken over could still do: as good as nothing. */
function hardening(plan: MachinePlan, host: HostPaths): string[] {
  const writable = plan.disks
    .filter(({ readOnly }) => !readOnly)
    .map(({ path }) => path);
  const devices = [
    "/dev/net/tun",
    ...(plan.acceleration === "kvm" ? ["/dev/kvm"] : []),
    ...(plan.vsockCid !== undefined && plan.hypervisor.kind === "qemu"
      ? ["/dev/vhost-vsock"]
      : []),
  ];
  return [
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "DevicePolicy=closed",
    ...devices.map((device) => `DeviceAllow=${device} rw`),
    ...(plan.acceleration === "kvm" ? ["SupplementaryGroups=kvm"] : []),
    "ProtectSystem=strict",
    ...writable.map((path) => `ReadWritePaths=${commandLine([path])}`),
    "PrivateTmp=yes",
    "ProtectHome=yes",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectHostname=yes",
    `InaccessiblePaths=-${host.root}/networks`,
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_NETLINK AF_VSOCK",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    // Hypervisors try calls beyond the set and do without: a refusal, not the end of the process.
    "SystemCallErrorNumber=EPERM",
    "UMask=0077",
  ];
}
