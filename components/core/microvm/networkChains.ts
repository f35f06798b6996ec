import { networkTable, tapName } from "./paths";
import type { AllowedTraffic, MachinePlan, PlannedInterface } from "./plan";

/** One of a machine's interfaces, with what stands for it in the table of its network. */
interface Chains {
  readonly table: string;
  readonly tap: string;
  /** What the machine sends: nothing under another's name. */
  readonly from: string;
  /** What is sent to the machine: answers, and what is allowed. */
  readonly to: string;
  /** What the machine says of its address by ARP; a chain of the family `arp`. */
  readonly arp: string;
}

/**
 * The machine's part of the tables of its networks, for `nft -f`: loaded again it changes nothing,
 * and no packet sees half of it. The maps `from_machine` and `to_machine` are the network's.
 */
export function networkChains(plan: MachinePlan): string {
  return plan.interfaces
    .map((nic, index) => renderInterface(plan, nic, chainsOf(plan, index)))
    .join("\n");
}

/** Takes all of {@link networkChains} out, however much of it is there. */
export function networkChainsGone(plan: MachinePlan): string {
  return plan.interfaces
    .map((_, index) => {
      const { table, tap, from, to, arp } = chainsOf(plan, index);
      // What is added first can be deleted whether or not it was there.
      return [
        `table inet ${table} {`,
        `  chain ${from} {}`,
        `  chain ${to} {}`,
        "}",
        `add element inet ${table} from_machine { "${tap}" : jump ${from} }`,
        `add element inet ${table} to_machine { "${tap}" : goto ${to} }`,
        `delete element inet ${table} from_machine { "${tap}" }`,
        `delete element inet ${table} to_machine { "${tap}" }`,
        `flush chain inet ${table} ${from}`,
        `flush chain inet ${table} ${to}`,
        `delete chain inet ${table} ${from}`,
        `delete chain inet ${table} ${to}`,
        ...arpBegun(table, arp),
        `add element arp ${table} from_machine { "${tap}" : goto ${arp} }`,
        `delete element arp ${table} from_machine { "${tap}" }`,
        `delete chain arp ${table} ${arp}`,
        "",
      ].join("\n");
    })
    .join("\n");
}

/** What the network's own part of a table has to have, to load a machine's part alone somewhere else. */
export function mapsOnly(plan: MachinePlan): string {
  return [
    ...new Set(plan.interfaces.map(({ network }) => networkTable(network))),
  ]
    .map(
      (table) =>
        `table inet ${table} {\n` +
        "  map from_machine { type ifname : verdict; }\n" +
        "  map to_machine { type ifname : verdict; }\n" +
        "}\n",
    )
    .join("");
}

/** The chains of each of the machine's interfaces. */
export function chainsOf(
  { name, interfaces }: MachinePlan,
  index: number,
): Chains {
  const tap = tapName(name, index);
  return {
    table: networkTable(interfaces[index]?.network ?? ""),
    tap,
    from: `from_${tap}`,
    to: `to_${tap}`,
    arp: `arp_${tap}`,
  };
}

/** The machine's chain, empty; with the map, which a network of an older version has not. */
function arpBegun(table: string, arp: string): string[] {
  return [
    `table arp ${table} {`,
    "  map from_machine { type ifname : verdict; }",
    `  chain ${arp} {}`,
    "}",
    `flush chain arp ${table} ${arp}`,
  ];
}

function renderInterface(
  { allow }: MachinePlan,
  { mac, address }: PlannedInterface,
  { table, tap, from, to, arp }: Chains,
): string {
  return [
    `table inet ${table} {`,
    `  chain ${from} {}`,
    `  chain ${to} {}`,
    "}",
    `flush chain inet ${table} ${from}`,
    `flush chain inet ${table} ${to}`,
    `table inet ${table} {`,
    `  chain ${from} {`,
    `    ether saddr != ${mac} drop`,
    // No IPv6: the machine was given no such address.
    "    meta nfproto != ipv4 drop",
    `    ip saddr != ${address} drop`,
    "  }",
    `  chain ${to} {`,
    "    ct state established,related accept",
    ...allow.flatMap(allowRules).map((rule) => `    ${rule}`),
    "    drop",
    "  }",
    "}",
    `add element inet ${table} from_machine { "${tap}" : jump ${from} }`,
    `add element inet ${table} to_machine { "${tap}" : goto ${to} }`,
    ...arpBegun(table, arp),
    `table arp ${table} {`,
    `  chain ${arp} {`,
    `    ether saddr != ${mac} drop`,
    `    arp saddr ether != ${mac} drop`,
    // Without an address yet, a guest may ask whether somebody has its own (RFC 5227).
    `    arp saddr ip != { 0.0.0.0, ${address} } drop`,
    "    accept",
    "  }",
    "}",
    `add element arp ${table} from_machine { "${tap}" : goto ${arp} }`,
    "",
  ].join("\n");
}

/** A rule for each source: nftables refuses a set of networks that overlap. */
function allowRules({ protocol, ports, from }: AllowedTraffic): string[] {
  const what = allowedPackets(protocol, [...new Set(ports)]);
  return from.length === 0
    ? [`${what} accept`]
    : [...new Set(from)].map((source) => `ip saddr ${source} ${what} accept`);
}

function allowedPackets(
  protocol: AllowedTraffic["protocol"],
  ports: readonly number[],
): string {
  if (protocol === "icmp") {
    return "icmp type echo-request";
  }
  return ports.length === 0
    ? `meta l4proto ${protocol}`
    : `${protocol} dport { ${ports.join(", ")} }`;
}
