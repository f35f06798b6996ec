import { field, oneOf, textForm } from "../core/argumentRules";
import type { Fault } from "../core/faults";
import { isRecord } from "../core/later";
import {
  connectionUri,
  libvirtImageRules,
  libvirtNetworkRules,
  libvirtPoolRules,
  libvirtVmRules,
} from "../libvirt/validation";
import { microVmHostRules } from "../microvm/hostValidation";
import { accessRules, proxmoxVmRules } from "../proxmox/validation";
import { eachNamed, entries, type Named, under } from "./checkNames";
import { kubevirtFaults } from "./kubevirtCheck";
import { microVmFaults } from "./microVmCheck";
import { checkShape } from "./shape";

/** Kinds of hypervisors, and of machines. */
const KINDS = ["libvirt", "proxmox"];

/** A file that lost its content must not take all machines with it. */
const EMPTY: Fault = {
  path: "",
  problem:
    "is empty, must declare something; a fleet without machines says machines: {}",
};

/**
 * Every fault in a fleet file, each with its path: shape and ranges by the JSON Schema, names,
 * references, and the rules of each kind of machine. Values that come from the stack's configuration
 * (`fromConfig: KEY`) are checked by the components, when they are there.
 */
export function validateFleet(fleet: unknown): Fault[] {
  const shape = checkShape(fleet);
  if (!isRecord(fleet)) {
    return shape;
  }
  const hypervisors = entries(fleet.hypervisors);
  return [
    ...shape,
    ...(Object.keys(fleet).length === 0 ? [EMPTY] : []),
    ...eachNamed("hypervisors", fleet.hypervisors, (path, hypervisor) => [
      ...oneOf(path, hypervisor, KINDS, "required"),
      ...libvirtHypervisor(`${path}.libvirt`, hypervisor.libvirt),
      ...proxmoxHypervisor(`${path}.proxmox`, hypervisor.proxmox),
    ]),
    ...eachNamed("machines", fleet.machines, (path, machine) => [
      ...oneOf(path, machine, KINDS, "required"),
      ...libvirtMachine(`${path}.libvirt`, machine.libvirt, hypervisors),
      ...proxmoxMachine(`${path}.proxmox`, machine.proxmox, hypervisors),
    ]),
    ...eachNamed("microVmHosts", fleet.microVmHosts, (path, host) =>
      under(path, microVmHostRules(host)),
    ),
    ...eachNamed("microVms", fleet.microVms, (path, machine) =>
      microVmFaults(path, machine, fleet),
    ),
    ...kubevirtFaults(fleet),
  ];
}

function libvirtHypervisor(path: string, hypervisor: unknown): Fault[] {
  if (!isRecord(hypervisor)) {
    return [];
  }
  const shared = (kind: string, rules: (args: unknown) => Fault[]) =>
    eachNamed(`${path}.${kind}`, hypervisor[kind], (itemPath, args) =>
      under(itemPath, rules(args)),
    );
  return [
    ...connectionUri(`${path}.uri`, hypervisor.uri),
    ...shared("pools", libvirtPoolRules),
    ...shared("networks", libvirtNetworkRules),
    ...shared("images", libvirtImageRules),
  ];
}

function libvirtMachine(
  path: string,
  machine: unknown,
  hypervisors: Named,
): Fault[] {
  if (!isRecord(machine)) {
    return [];
  }
  const { hypervisor, ...args } = machine;
  const target = targetOf(hypervisor, "libvirt", hypervisors);
  const onLab = isRecord(target) && target.embeddedLab === true;
  return [
    ...knownHypervisor(path, hypervisor, "libvirt", hypervisors),
    ...(args.image === undefined && target !== undefined && !onLab
      ? [
          {
            path: `${path}.image`,
            problem:
              "is missing; only the embedded lab has an image of its own",
          },
        ]
      : []),
    ...under(path, libvirtVmRules(args)),
  ];
}

function proxmoxHypervisor(path: string, hypervisor: unknown): Fault[] {
  if (!isRecord(hypervisor)) {
    return [];
  }
  return [
    ...under(path, accessRules(hypervisor)),
    ...(field(hypervisor.nodeSsh, "address") !== undefined &&
    hypervisor.node === undefined
      ? [
          {
            path: `${path}.node`,
            problem: "is missing, must say whose address nodeSsh.address is",
          },
        ]
      : []),
  ];
}

function proxmoxMachine(
  path: string,
  machine: unknown,
  hypervisors: Named,
): Fault[] {
  if (!isRecord(machine)) {
    return [];
  }
  const { hypervisor, ...args } = machine;
  const target = targetOf(hypervisor, "proxmox", hypervisors);
  return [
    ...knownHypervisor(path, hypervisor, "proxmox", hypervisors),
    ...(args.node === undefined &&
    target !== undefined &&
    field(target, "node") === undefined
      ? [
          {
            path: `${path}.node`,
            problem: "is missing, must stand here or at the hypervisor",
          },
        ]
      : []),
    ...under(path, proxmoxVmRules(args)),
  ];
}

function targetOf(
  hypervisor: unknown,
  kind: string,
  hypervisors: Named,
): unknown {
  return hypervisors.find(([name]) => name === hypervisor)?.[1][kind];
}

function knownHypervisor(
  path: string,
  hypervisor: unknown,
  kind: string,
  hypervisors: Named,
): Fault[] {
  const known = hypervisors
    .filter(([, one]) => one[kind] !== undefined)
    .map(([name]) => name);
  return textForm(
    `${path}.hypervisor`,
    hypervisor,
    () => targetOf(hypervisor, kind, hypervisors) !== undefined,
    `a ${kind} hypervisor of this fleet: ${known.join(", ") || "none is declared"}`,
  );
}

/** Whether a value of the fleet file says that it stands in the stack's configuration. */
export function isFromConfig(value: unknown): value is { fromConfig: string } {
  return (
    isRecord(value) &&
    typeof value.fromConfig === "string" &&
    Object.keys(value).length === 1
  );
}
