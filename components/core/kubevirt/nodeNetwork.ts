import { parseIpv4Network } from "../ipv4";

/** Most machines of a cluster: each has a network of 256 addresses out of one of 65536. */
export const MOST_MACHINES = 256;

/** What a machine's own network is: masquerade hides it behind the address of its pod. */
export interface GuestNetwork {
  /** For example `10.250.1.0/24`. */
  readonly cidr: string;
  /** KubeVirt's gateway and DHCP server, the first address. */
  readonly gateway: string;
  /** The guest's address, the second one. */
  readonly address: string;
}

/**
 * The network of one machine of a cluster. Inside all clones of a machine it is the same, which is why
 * their certificates stay valid; and it differs among the machines of a cluster, because kubelet and
 * apiserver tell nodes apart by it.
 *
 * @param nodeNetwork a /16, for example `10.250.0.0/16`.
 * @throws Error when it is none.
 */
export function guestNetwork(nodeNetwork: string, index: number): GuestNetwork {
  const parsed = parseIpv4Network(nodeNetwork);
  if (parsed?.prefix !== 16 || index < 0 || index >= MOST_MACHINES) {
    throw new Error(`there is no network ${index} in ${nodeNetwork}`);
  }
  const base = parsed.base + index * 256;
  return {
    cidr: `${dotted(base)}/24`,
    gateway: dotted(base + 1),
    address: dotted(base + 2),
  };
}

function dotted(address: number): string {
  return [24, 16, 8, 0]
    .map((shift) => Math.floor(address / 2 ** shift) % 256)
    .join(".");
}
