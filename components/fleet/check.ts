import { field, oneOf, textForm } from "../core/argumentRules";
import { type Fault, joinPath } from "../core/faults";
import { isRecord } from "../core/later";
import { describeNameForm, isGoodName } from "../core/nameRule";
import { compileSchemaCheck } from "../core/schemaCheck";
import {
  connectionUri,
  libvirtImageRules,
  libvirtNetworkRules,
  libvirtPoolRules,
  libvirtVmRules,
} from "../libvirt/validation";
import { microVmHostRules } from "../microvm/hostValidation";
import { microVmRules } from "../microvm/validation";
import {
  accessRules,
  PROXMOX_SECRETS,
  proxmoxVmRules,
} from "../proxmox/validation";
import schema from "./fleet.schema.json";

type Named = readonly (readonly [string, Record<string, unknown>])[];

const checkShape = compileSchemaCheck(schema, PROXMOX_SECRETS);

/** Kinds of hypervisors, and of machines. */
const KINDS = ["libvirt", "proxmox"];

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
      microVm(path, machine, fleet),
    ),
  ];
}

function microVm(
  path: string,
  { host, ...args }: Record<string, unknown>,
  { microVmHosts, machines }: Record<string, unknown>,
): Fault[] {
  const hosts = entries(microVmHosts);
  const target = hosts.find(([name]) => name === host)?.[1];
  const name = path.replace(/^microVms\./, "");
  const known = hosts.map(([one]) => one).join(", ") || "none is declared";
  return [
    ...textForm(
      `${path}.host`,
      host,
      () => target !== undefined,
      `a host of this fleet: ${known}`,
    ),
    ...(entries(machines).some(([one]) => one === name)
      ? [{ path, problem: "is the name of one of machines too" }]
      : []),
    ...under(
      path,
      microVmRules({ ...args, host: { acceleration: target?.accelerator } }),
    ),
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

/** The faults of everything under a name, and of the names. */
function eachNamed(
  path: string,
  value: unknown,
  check: (path: string, item: Record<string, unknown>) => Fault[],
): Fault[] {
  const names = isRecord(value) ? Object.keys(value) : [];
  return [
    ...names.flatMap((name) => nameFaults(joinPath(path, name), name)),
    ...entries(value).flatMap(([name, item]) =>
      check(joinPath(path, name), item),
    ),
  ];
}

function nameFaults(path: string, name: string): Fault[] {
  return isGoodName(name)
    ? []
    : [
        {
          path,
          problem: `is no good name, must be ${describeNameForm()}`,
        },
      ];
}

/** Whether a value of the fleet file says that it stands in the stack's configuration. */
export function isFromConfig(value: unknown): value is { fromConfig: string } {
  return (
    isRecord(value) &&
    typeof value.fromConfig === "string" &&
    Object.keys(value).length === 1
  );
}

function under(path: string, faults: readonly Fault[]): Fault[] {
  return faults.map((fault) => ({
    ...fault,
    path: joinPath(path, fault.path),
  }));
}

function entries(value: unknown): [string, Record<string, unknown>][] {
  return isRecord(value)
    ? Object.entries(value).filter(
        (entry): entry is [string, Record<string, unknown>] =>
          isRecord(entry[1]),
      )
    : [];
}
