import * as pulumi from "@pulumi/pulumi";
import { MicroVm } from "../microvm/microVm";
import { MicroVmHost } from "../microvm/microVmHost";
import type { MachineOutputs } from "./program";
import type { Fleet } from "./types";

/** Makes the fleet's hosts of microVMs, and the machines on them. */
export function makeMicroVms({
  microVmHosts = {},
  microVms = {},
}: Fleet): Record<string, MachineOutputs> {
  const hosts = new Map(
    Object.entries(microVmHosts).map(([name, args]) => [
      name,
      new MicroVmHost(name, args),
    ]),
  );
  const outputs: Record<string, MachineOutputs> = {};
  for (const [name, { host: hostName, ...args }] of Object.entries(microVms)) {
    const host = hosts.get(hostName);
    if (host) {
      const vm = new MicroVm(name, { ...args, host: host.place });
      outputs[name] = {
        kind: "microVm",
        name: vm.name,
        id: vm.unitName,
        address: vm.address,
        macAddress: vm.macAddress,
        cloudInitStatus: vm.cloudInitStatus,
        connection: pulumi.secret(vm.connection),
      };
    }
  }
  return outputs;
}
