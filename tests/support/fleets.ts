import { TestPool, URI } from "./hypervisor";

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
  cidr = "10.98.0.0/24",
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
