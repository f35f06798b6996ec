import * as pulumi from "@pulumi/pulumi";
import { proxmoxProvider } from "../proxmox/hypervisor";
import { ProxmoxVm } from "../proxmox/proxmoxVm";
import type * as proxmox from "../sdks/proxmox";
import type { MachineOutputs } from "./program";
import type { Fleet, ProxmoxHypervisor, ProxmoxMachine } from "./types";

/** A hypervisor of the fleet, with the provider that its machines share. */
interface Host {
  readonly declared: ProxmoxHypervisor;
  readonly provider: proxmox.Provider;
}

/** Makes the fleet's machines on Proxmox VE. */
export function makeProxmoxMachines(
  fleet: Fleet,
): Record<string, MachineOutputs> {
  const hosts = new Map<string, Host>();
  for (const [name, { proxmox: declared }] of Object.entries(
    fleet.hypervisors ?? {},
  )) {
    if (declared !== undefined) {
      hosts.set(name, { declared, provider: proxmoxProvider(name, declared) });
    }
  }
  const outputs: Record<string, MachineOutputs> = {};
  for (const [name, { proxmox: machine }] of Object.entries(
    fleet.machines ?? {},
  )) {
    const host = machine && hosts.get(machine.hypervisor);
    if (host) {
      outputs[name] = makeMachine(name, machine, host);
    }
  }
  return outputs;
}

function makeMachine(
  name: string,
  { hypervisor, ...args }: ProxmoxMachine,
  { declared, provider }: Host,
): MachineOutputs {
  const vm = new ProxmoxVm(
    name,
    {
      ...args,
      node: args.node ?? declared.node ?? "",
      endpoint: declared.endpoint,
      apiToken: declared.apiToken,
      insecure: declared.insecure,
    },
    { provider },
  );
  return {
    kind: "proxmox",
    name: vm.name,
    id: pulumi.interpolate`${vm.vmId}`,
    address: vm.address,
    macAddress: vm.macAddress,
    cloudInitStatus: vm.cloudInitStatus,
    connection: vm.connection,
  };
}
