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
  // That each of them is declared was checked.
  const placeOf = (host: string) => (hosts.get(host) as MicroVmHost).place;
  const outputs: Record<string, MachineOutputs> = {};
  for (const [name, { host, interfaces, ...args }] of Object.entries(
    microVms,
  )) {
    const vm = new MicroVm(name, {
      ...args,
      host: placeOf(host),
      interfaces: interfaces?.map((nic) => ({
        ...nic,
        host: placeOf(nic.host),
      })),
    });
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
  return outputs;
}
