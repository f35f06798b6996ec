import { textForm } from "../core/argumentRules";
import { type Fault, show } from "../core/faults";
import { isRecord, isText } from "../core/later";
import { isLeasable, leaseRange } from "../core/microvm/subnet";
import { compileSchemaCheck } from "../core/schemaCheck";
import { bastionRules, connectionRules, userName } from "../guest/guestRules";
import schema from "./hostArgs.schema.json";

/** Arguments that are wrapped as secrets and whose values no fault shows. */
export const HOST_SECRETS = ["privateKey"];

const shape = compileSchemaCheck(
  { ...schema, $ref: "#/definitions/MicroVmHostArgs" },
  HOST_SECRETS,
);

/** Every fault in the arguments of a MicroVmHost. Values that are `LATER` pass. */
export function validateMicroVmHost(args: unknown): Fault[] {
  return [...shape(args), ...microVmHostRules(args)];
}

/** What the JSON Schema of MicroVmHost's arguments cannot say. */
export function microVmHostRules(args: unknown): Fault[] {
  if (!isRecord(args)) {
    return [];
  }
  return [
    ...connectionRules("", args).map(({ path, problem }) => ({
      path: path.replace(/^\./, ""),
      problem,
    })),
    ...userName("user", args.user),
    ...bastionRules("bastion", args.bastion),
    ...networkName("network", args.network),
    ...subnetRules(args.subnet ?? DEFAULT_SUBNET, args.gateway),
    ...interfaceName("lan", args.lan),
    ...(args.lan !== undefined && args.subnet === undefined
      ? [
          {
            path: "subnet",
            problem: "is missing, lan needs it: a part of that network",
          },
        ]
      : []),
  ];
}

/** The subnet where none is given. */
export const DEFAULT_SUBNET = "10.0.0.0/24";

/** A network's name: it stands in the names of a unit and of a table of nftables. */
export function networkName(path: string, value: unknown): Fault[] {
  return textForm(
    path,
    value,
    (name) => /^[a-z][a-z0-9-]{0,39}$/.test(name),
    "up to 40 lower-case letters, digits and hyphens, starting with a letter",
  );
}

/** A network interface's name, as the kernel allows it. */
export function interfaceName(path: string, value: unknown): Fault[] {
  return textForm(
    path,
    value,
    (name) => /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(name),
    "the name of a network interface: up to 15 letters, digits and _ . -",
  );
}

function subnetRules(subnet: unknown, gateway: unknown): Fault[] {
  if (!isText(subnet)) {
    return [];
  }
  // Any address serves to see whether the subnet is one.
  const range = leaseRange(subnet, "0.0.0.0");
  if (range === undefined || range.last <= range.first) {
    return [
      {
        path: "subnet",
        problem: `is ${show(subnet)}, must be an IPv4 network with at least two addresses for machines, like 10.0.0.0/24`,
      },
    ];
  }
  return isText(gateway) && !isLeasable(gateway, range)
    ? [
        {
          path: "gateway",
          problem: `is ${show(gateway)}, must be an address in ${subnet}, neither its first nor its last one`,
        },
      ]
    : [];
}
