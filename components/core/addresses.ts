/** An address of a guest's network interface. */
export interface InterfaceAddress {
  /** In lower case. */
  readonly mac: string;
  readonly family: "ipv4" | "ipv6";
  readonly address: string;
}

/**
 * The addresses by which a machine may be reached, best first: IPv4 before IPv6, without those that
 * only mean something inside of it.
 */
export function reachableAddresses(
  found: readonly InterfaceAddress[],
  mac: string | undefined,
): string[] {
  const own = found.filter(
    (entry) =>
      (mac === undefined || entry.mac === mac.toLowerCase()) &&
      !isLocalOnly(entry.address),
  );
  const ordered = [
    ...own.filter(({ family }) => family === "ipv4"),
    ...own.filter(({ family }) => family === "ipv6"),
  ];
  return [...new Set(ordered.map(({ address }) => address))];
}

/** Loopback and link-local addresses. */
export function isLocalOnly(address: string): boolean {
  return /^(127\.|169\.254\.|::1$|fe[89ab][0-9a-f]:|0\.0\.0\.0$|::$)/i.test(
    address,
  );
}
