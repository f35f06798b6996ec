import { randomInt } from "node:crypto";
import { URI } from "../hypervisor/virsh";
import { TestPool } from "../hypervisor/testPool";

/** Which machines are made for a measurement; every side makes the same ones. */
export interface MachineSet {
  /** Begins the name of everything on the hypervisor: `corral-<stack>`. */
  readonly stack: string;
  readonly count: number;
  /** IPv4 network of their NAT network. */
  readonly cidr: string;
  /** Pool that holds the disks. */
  readonly pool: Pick<TestPool, "name" | "path">;
}

/** Of the measured machines. Smallest that QEMU starts; they have no guest. */
export const MEMORY_MIB = 64;

/** A network for one measurement; two at once hardly ever get the same one. */
export function someCidr(): string {
  return `10.94.${randomInt(256)}.0/24`;
}

/** Names of the machines: m01, m02, ... */
export function machineNames(count: number): string[] {
  return Array.from(
    { length: count },
    (_, index) => `m${String(index + 1).padStart(2, "0")}`,
  );
}

/** The machines as Corral's fleet: one uploaded image, one network, and overlays on the image. */
export function fleetOf({
  count,
  cidr,
  pool,
}: MachineSet): Record<string, unknown> {
  const machine = {
    libvirt: {
      hypervisor: "host",
      pool: { name: pool.name },
      image: { name: "blank" },
      memoryMib: MEMORY_MIB,
      accelerator: "tcg",
      network: { name: "lan" },
      // The provider boots each machine all the same, and it is switched off at once.
      running: false,
      autostart: false,
      shutdownTimeoutSeconds: 0,
      ready: { until: "none" },
    },
  };
  return {
    hypervisors: {
      host: {
        libvirt: {
          uri: URI,
          networks: { lan: { cidr } },
          images: {
            blank: { pool: pool.name, path: `${pool.path}/${TestPool.IMAGE}` },
          },
        },
      },
    },
    machines: Object.fromEntries(
      machineNames(count).map((name) => [name, machine]),
    ),
  };
}
