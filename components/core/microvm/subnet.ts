import { parseIpv4Network } from "../ipv4";

/** The addresses of a subnet that machines may have, as numbers. */
export interface LeaseRange {
  readonly first: number;
  readonly last: number;
  /** The host's own address, which no machine gets. */
  readonly gateway: number;
}

/** All but the network's own address, its broadcast address and the gateway; undefined: no network. */
export function leaseRange(
  subnet: string,
  gateway: string,
): LeaseRange | undefined {
  const network = parseIpv4Network(subnet);
  const own = parseIpv4(gateway);
  if (network === undefined || own === undefined) {
    return undefined;
  }
  const size = 2 ** (32 - network.prefix);
  return {
    first: network.base + 1,
    last: network.base + size - 2,
    gateway: own,
  };
}

/** Whether a machine may have the address. */
export function isLeasable(address: string, range: LeaseRange): boolean {
  const number = parseIpv4(address);
  return (
    number !== undefined &&
    number >= range.first &&
    number <= range.last &&
    number !== range.gateway
  );
}

/** The lowest address that nobody has; undefined: there is none. */
export function lowestFree(
  range: LeaseRange,
  taken: ReadonlySet<string>,
): string | undefined {
  for (let number = range.first; number <= range.last; number++) {
    const address = formatIpv4(number);
    if (number !== range.gateway && !taken.has(address)) {
      return address;
    }
  }
  return undefined;
}

/** How many machines the subnet has room for. */
export function roomOf({ first, last, gateway }: LeaseRange): number {
  const gatewayInside = gateway >= first && gateway <= last ? 1 : 0;
  return Math.max(0, last - first + 1 - gatewayInside);
}

/** `255.255.255.0` for 24. */
export function netmask(prefix: number): string {
  return formatIpv4(2 ** 32 - 2 ** (32 - prefix));
}

export function formatIpv4(number: number): string {
  return [24, 16, 8, 0]
    .map((shift) => Math.floor(number / 2 ** shift) % 256)
    .join(".");
}

export function parseIpv4(address: string): number | undefined {
  return parseIpv4Network(`${address}/32`)?.base;
}
