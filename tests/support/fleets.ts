import { TestPool, URI } from "./hypervisor";

/** Files of a suite may run at the same time: each lane of them has a network of its own. */
const SECOND_OCTET = 110 + Number(process.env.CORRAL_TEST_LANE ?? 0);

/** The network that machines without a guest share, unless a test says another one. */
export const LAN_CIDR = `10.${SECOND_OCTET}.0.0/24`;

/** A machine that needs no guest: a blank disk, and nothing is waited for. */
export function blankMachine(
  pool: TestPool,
  changes: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    libvirt: {
      hypervisor: "host",
      pool: { name: pool.name },
      image: { name: TestPool.IMAGE },
      memoryMib: 64,
      accelerator: "tcg",
      network: { name: "lan" },
      ready: { until: "none" },
      shutdownTimeoutSeconds: 0,
      ...changes,
    },
  };
}

/** A machine with the lab's guest in it. */
export function labMachine(
  changes: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    libvirt: {
      hypervisor: "host",
      memoryMib: 512,
      network: { name: "lan" },
      ...changes,
    },
  };
}

/** A fleet on the real libvirt daemon with one shared network. */
export function fleetOf(
  machines: Record<string, unknown>,
  cidr = LAN_CIDR,
): Record<string, unknown> {
  return {
    hypervisors: {
      host: { libvirt: { uri: URI, networks: { lan: { cidr } } } },
    },
    machines,
  };
}

/** A fleet on the embedded lab with one shared network. */
export function labFleetOf(
  machines: Record<string, unknown>,
  cidr = "10.93.0.0/24",
): Record<string, unknown> {
  return {
    hypervisors: {
      host: { libvirt: { embeddedLab: true, networks: { lan: { cidr } } } },
    },
    machines,
  };
}
