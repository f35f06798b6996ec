/** An IPv4 network in CIDR notation, with its network address as a number. */
export interface Ipv4Network {
  readonly base: number;
  readonly prefix: number;
}

const OCTET = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const CIDR = new RegExp(
  `^${OCTET}\\.${OCTET}\\.${OCTET}\\.${OCTET}/(3[0-2]|[12]?\\d)$`,
);

/** Parses `10.77.0.0/24`; undefined when it is no IPv4 network or has bits set behind its prefix. */
export function parseIpv4Network(cidr: string): Ipv4Network | undefined {
  const match = CIDR.exec(cidr);
  if (match === null) {
    return undefined;
  }
  const [, a, b, c, d, bits] = match;
  const base = [a, b, c, d].reduce(
    (sum, octet) => sum * 256 + Number(octet),
    0,
  );
  const prefix = Number(bits);
  return base % 2 ** (32 - prefix) === 0 ? { base, prefix } : undefined;
}

/** Whether two networks share an address. */
export function networksOverlap(one: Ipv4Network, other: Ipv4Network): boolean {
  const prefix = Math.min(one.prefix, other.prefix);
  const size = 2 ** (32 - prefix);
  return Math.floor(one.base / size) === Math.floor(other.base / size);
}
