import type { OwnershipStamp } from "../stamp";
import {
  type HostPaths,
  networkPaths,
  networkTable,
  networkUnit,
  UNIT_FOLDER,
} from "./paths";
import { loadRulesScript, nftablesDropIn, rulesAgainPaths } from "./rulesAgain";
import { commandLine, settingText } from "./systemdText";

/** One network of machines on a host: everything on the host is rendered from it. */
export interface NetworkPlan {
  /** Unique on the host. */
  readonly name: string;
  readonly stamp: OwnershipStamp;
  /** Tells what was made from what was made again elsewhere in between: another one for each resource. */
  readonly token: string;
  /** In CIDR notation. */
  readonly subnet: string;
  /** The host's own address in it. */
  readonly gateway: string;
  /** Whether the outside sees the host's address instead of the machines'. */
  readonly nat: boolean;
  /** The host's interface into whose network the machines go; left out: a network of their own. */
  readonly lan?: string | undefined;
}

/** The chains that are the network's own, beside those of its machines. */
export const NETWORK_CHAINS = [
  "prerouting",
  "input",
  "from_network",
  "forward",
  "postrouting",
] as const;

/** The maps that each machine has an element in, by the name of its interface. */
export const NETWORK_MAPS = ["from_machine", "to_machine"] as const;

/** The one chain of the family `arp`, and its map. */
export const ARP_CHAIN = "input";
export const ARP_MAP = "from_machine";

/**
 * The network's part of its table, for `nft -f`: loaded again it leaves what machines have put in, and
 * no packet sees half of it.
 */
export function networkRules({ name, subnet, nat }: NetworkPlan): string {
  const table = `inet ${networkTable(name)}`;
  return [
    `table ${table} {`,
    ...NETWORK_MAPS.map((map) => `  map ${map} { type ifname : verdict; }`),
    "  chain prerouting { type filter hook prerouting priority raw; policy accept; }",
    "  chain input { type filter hook input priority filter; policy accept; }",
    "  chain forward { type filter hook forward priority filter; policy accept; }",
    "  chain postrouting { type nat hook postrouting priority srcnat; policy accept; }",
    "  chain from_network {}",
    "}",
    ...NETWORK_CHAINS.map((chain) => `flush chain ${table} ${chain}`),
    `table ${table} {`,
    // Here each machine's packets are looked at: from then on their source can be trusted.
    "  chain prerouting {",
    "    iifname vmap @from_machine",
    "  }",
    // The host itself: it can be pinged, and it gets its answers.
    "  chain input {",
    `    iifname != "lo" ip saddr ${subnet} jump from_network`,
    "  }",
    "  chain from_network {",
    "    ct state established,related accept",
    "    icmp type echo-request accept",
    "    drop",
    "  }",
    "  chain forward {",
    "    oifname vmap @to_machine",
    "  }",
    "  chain postrouting {",
    ...(nat ? [`    ip saddr ${subnet} ip daddr != ${subnet} masquerade`] : []),
    "  }",
    "}",
    ...arpRules(networkTable(name)),
    "",
  ].join("\n");
}

/** Rules of IP see no ARP: by it a machine would tell the host that it has another's address. */
function arpRules(table: string): string[] {
  return [
    `table arp ${table} {`,
    `  map ${ARP_MAP} { type ifname : verdict; }`,
    `  chain ${ARP_CHAIN} { type filter hook input priority filter; policy accept; }`,
    "}",
    `flush chain arp ${table} ${ARP_CHAIN}`,
    `table arp ${table} {`,
    `  chain ${ARP_CHAIN} {`,
    `    iifname vmap @${ARP_MAP}`,
    "  }",
    "}",
  ];
}

/** systemd's unit of a network: it stands before its machines start, and they stop before it goes. */
export function networkUnitFile(plan: NetworkPlan, host: HostPaths): string {
  const table = networkTable(plan.name);
  const { rules } = networkPaths(plan.name, host);
  const route = ["ip", "route", "replace", "unreachable", plan.subnet];
  return [
    "# Made by Corral: what is changed here by hand is set right by the next up.",
    "[Unit]",
    `Description=microVM network ${settingText(plan.name)}`,
    // What the host's own firewall loads at boot may begin by removing everything.
    "After=nftables.service network.target",
    "",
    "[Service]",
    "Type=oneshot",
    "RemainAfterExit=yes",
    `ExecStart=${commandLine(["sysctl", "-q", "-w", "net.ipv4.ip_forward=1"])}`,
    // What no machine has is not looked for outside.
    `ExecStart=${commandLine(route)}`,
    `ExecStart=${commandLine(["nft", "-f", rules])}`,
    `ExecReload=${commandLine(route)}`,
    `ExecReload=${commandLine(["nft", "-f", rules])}`,
    ...["inet", "arp"].map(
      (family) =>
        `ExecStop=-${commandLine(["nft", "delete", "table", family, table])}`,
    ),
    `ExecStop=-${commandLine(["ip", "route", "delete", "unreachable", plan.subnet])}`,
    "",
    "[Install]",
    "WantedBy=multi-user.target",
    "",
  ].join("\n");
}

/** A file of a network on the host. */
export interface NetworkFile {
  /** For messages. */
  readonly title: string;
  readonly path: string;
  readonly text: string;
}

/** What a network consists of on the host's disk, without the record. */
export function networkFiles(
  plan: NetworkPlan,
  host: HostPaths,
): NetworkFile[] {
  return [
    {
      title: "the rules of nftables",
      path: networkPaths(plan.name, host).rules,
      text: networkRules(plan),
    },
    {
      title: "the systemd unit",
      path: networkUnitPath(plan.name, host),
      text: networkUnitFile(plan, host),
    },
  ];
}

/** What all networks of a host have in common: it goes with the last one. */
export function commonFiles(host: HostPaths): NetworkFile[] {
  const { script, dropIn } = rulesAgainPaths(host);
  return [
    {
      title: "the script that loads all rules again",
      path: script,
      text: loadRulesScript(host),
    },
    {
      title: "the part of nftables.service that runs it",
      path: dropIn,
      text: nftablesDropIn(host),
    },
  ];
}

export function networkUnitPath(
  network: string,
  host: Pick<HostPaths, "units"> = { units: UNIT_FOLDER },
): string {
  return `${host.units}/${networkUnit(network)}`;
}
