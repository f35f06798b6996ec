import * as pulumi from "@pulumi/pulumi";
import { renderFaults } from "../core/faults";
import { isFromConfig, validateFleet } from "./check";
import type { KubevirtOutputs } from "./kubevirt";
import type { Fleet } from "./types";

/** What a stack exports for each machine. Its connection holds a private key and is a secret. */
export interface MachineOutputs {
  readonly kind: string;
  readonly name: pulumi.Output<string>;
  readonly id: pulumi.Output<string>;
  readonly address: pulumi.Output<string>;
  readonly macAddress: pulumi.Output<string>;
  /** What `cloud-init status --long` said; empty unless it was waited for. */
  readonly cloudInitStatus: pulumi.Output<string>;
  readonly connection: pulumi.Output<unknown>;
}

/**
 * Reads and checks the stack's `fleet`.
 *
 * @throws with every fault of the fleet, before anything is made.
 */
export function readFleet(config: pulumi.Config): Fleet {
  const declared = config.requireObject<unknown>("fleet");
  const faults = validateFleet(declared);
  if (faults.length > 0) {
    // A RunError is shown without a stack trace: the fault is in the file, not in the program.
    throw new pulumi.RunError(
      renderFaults(`fleet of stack "${pulumi.getStack()}"`, faults),
    );
  }
  return resolveFromConfig(declared, config) as Fleet;
}

/**
 * Makes the fleet's machines. Only the kinds that it declares are loaded.
 *
 * @returns the machines' outputs by name.
 */
export async function makeMachines(
  fleet: Fleet,
): Promise<Record<string, MachineOutputs>> {
  const outputs: Record<string, MachineOutputs> = {};
  const hypervisors = Object.values(fleet.hypervisors ?? {});
  if (hypervisors.some((host) => host.libvirt)) {
    const { makeLibvirtMachines } = await import("./libvirt.js");
    Object.assign(outputs, makeLibvirtMachines(fleet));
  }
  if (hypervisors.some((host) => host.proxmox)) {
    const { makeProxmoxMachines } = await import("./proxmox.js");
    Object.assign(outputs, makeProxmoxMachines(fleet));
  }
  if (fleet.microVmHosts !== undefined) {
    const { makeMicroVms } = await import("./microVm.js");
    Object.assign(outputs, makeMicroVms(fleet));
  }
  return outputs;
}

/**
 * Makes the fleet's clusters and base snapshots of KubeVirt; loaded only when there are such.
 *
 * @returns their outputs by name, as far as the fleet has them.
 */
export async function makeClusters(
  fleet: Fleet,
): Promise<Partial<KubevirtOutputs>> {
  const { kubevirtClusters, kubevirtBaseSnapshots } = fleet;
  if (kubevirtClusters === undefined && kubevirtBaseSnapshots === undefined) {
    return {};
  }
  const { makeKubevirt } = await import("./kubevirt.js");
  return makeKubevirt(fleet);
}

/** Puts the stack's secrets in the places that say `fromConfig: KEY`. */
function resolveFromConfig(value: unknown, config: pulumi.Config): unknown {
  if (isFromConfig(value)) {
    return config.requireSecret(value.fromConfig);
  }
  if (Array.isArray(value)) {
    return value.map((item) => resolveFromConfig(item, config));
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key,
        resolveFromConfig(inner, config),
      ]),
    );
  }
  return value;
}
