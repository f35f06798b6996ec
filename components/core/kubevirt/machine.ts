import { type DiskSpec, dataVolumeSpec } from "./disks";
import { MACHINE_LABEL } from "./labels";
import { bytesQuantity } from "./quantity";

const MIB = 2 ** 20;

/** A machine as KubeVirt is to run it. */
export interface MachineSpec {
  readonly name: string;
  /** Labels of the machine, its instance and its pod. */
  readonly labels: Readonly<Record<string, string>>;
  /** The root disk first. */
  readonly disks: readonly DiskSpec[];
  readonly cores: number;
  readonly memoryMib: number;
  readonly uuid: string;
  readonly macAddress: string;
  /** Host name inside. */
  readonly nodeName: string;
  /** The guest's own network behind masquerade, for example `10.250.0.0/24`. */
  readonly guestNetwork: string;
  /** Name of the Secret with the cloud-init documents. */
  readonly cloudInitSecret: string;
  /** https://kubevirt.io/user-guide/compute/run_strategies/ */
  readonly runStrategy: string;
  /** Seconds that the guest is given to shut down. */
  readonly shutdownSeconds: number;
}

/** Name of a machine's cloud-init drive among its volumes. */
export const CLOUD_INIT_VOLUME = "cloudinit";

/**
 * The spec of a VirtualMachine (https://kubevirt.io/user-guide/user_workloads/lifecycle/). Ours as a
 * whole: of a snapshot only the disks are taken, so that no address, UUID or key of the machine that
 * was snapshotted comes back.
 */
export function machineSpec(machine: MachineSpec): Record<string, unknown> {
  const volumes = machine.disks.map(({ name, volume }) => ({
    name: volume,
    dataVolume: { name },
  }));
  return {
    runStrategy: machine.runStrategy,
    dataVolumeTemplates: machine.disks.map((disk) => ({
      metadata: { name: disk.name },
      spec: dataVolumeSpec(disk),
    })),
    template: {
      metadata: {
        labels: { ...machine.labels, [MACHINE_LABEL]: machine.name },
      },
      spec: {
        hostname: machine.nodeName,
        terminationGracePeriodSeconds: machine.shutdownSeconds,
        domain: {
          firmware: { uuid: machine.uuid },
          // Sockets, because KubeVirt can add these while the machine runs, and no cores.
          cpu: { sockets: machine.cores, cores: 1, threads: 1 },
          memory: { guest: bytesQuantity(machine.memoryMib * MIB) },
          devices: {
            rng: {},
            interfaces: [
              {
                name: "default",
                masquerade: {},
                macAddress: machine.macAddress,
              },
            ],
            disks: [
              ...machine.disks.map(({ volume }, index) => ({
                name: volume,
                disk: { bus: "virtio" },
                ...(index === 0 ? { bootOrder: 1 } : {}),
              })),
              { name: CLOUD_INIT_VOLUME, disk: { bus: "virtio" } },
            ],
          },
        },
        networks: [
          { name: "default", pod: { vmNetworkCIDR: machine.guestNetwork } },
        ],
        volumes: [
          ...volumes,
          {
            name: CLOUD_INIT_VOLUME,
            cloudInitNoCloud: {
              secretRef: { name: machine.cloudInitSecret },
              networkDataSecretRef: { name: machine.cloudInitSecret },
            },
          },
        ],
      },
    },
  };
}
