import {
  absolutePath,
  field,
  knownNow,
  macAddress,
  notEmpty,
  onlyWith,
  oneOf,
  textForm,
  webAddress,
} from "../core/argumentRules";
import type { Fault } from "../core/faults";
import { parseIpv4Network } from "../core/ipv4";
import { isRecord } from "../core/later";
import { compileSchemaCheck } from "../core/schemaCheck";
import { GUEST_SECRETS, guestRules } from "../guest/guestRules";
import schema from "./args.schema.json";
import { dataDiskRules } from "./dataDiskRules";

/** Arguments that are wrapped as secrets and whose values no fault shows. */
export const SECRET_ARGUMENTS = GUEST_SECRETS;

type Check = (args: unknown) => Fault[];

/** Every fault in the arguments of a LibvirtVm. Values that are `LATER` pass. */
export const validateLibvirtVm = complete("LibvirtVmArgs", libvirtVmRules);

/** Every fault in the arguments of a LibvirtPool. */
export const validateLibvirtPool = complete(
  "LibvirtPoolArgs",
  libvirtPoolRules,
);

/** Every fault in the arguments of a LibvirtNetwork. */
export const validateLibvirtNetwork = complete(
  "LibvirtNetworkArgs",
  libvirtNetworkRules,
);

/** Every fault in the arguments of a LibvirtImage. */
export const validateLibvirtImage = complete(
  "LibvirtImageArgs",
  libvirtImageRules,
);

/** Shape, ranges and choices by the JSON Schema of a type, and what a schema cannot say by rules. */
function complete(type: string, rules: Check): Check {
  const shape = compileSchemaCheck(
    { ...schema, $ref: `#/definitions/${type}` },
    SECRET_ARGUMENTS,
  );
  return (args) => [...shape(args), ...rules(args)];
}

/** Arguments of LibvirtVm whose fields decide which resources there are, or what happens to them. */
const KNOWN_NOW = [
  "image",
  "pool",
  "rootDisk",
  "dataDisks",
  "network",
  "onCloudInitChange",
  "ssh",
  "ready",
];

/** What the JSON Schema of LibvirtVm's arguments cannot say. */
export function libvirtVmRules(args: unknown): Fault[] {
  if (!isRecord(args)) {
    return [];
  }
  const { image, pool, network } = args;
  return [
    ...connectionUri("uri", args.uri),
    ...KNOWN_NOW.flatMap((name) => knownNow(name, args[name])),
    ...knownNow("pool.create", field(pool, "create")),
    ...knownNow("network.create", field(network, "create")),
    ...oneOf("image", image, ["name", "path", "url"], "required"),
    ...notEmpty("image.name", field(image, "name")),
    ...notEmpty("image.path", field(image, "path")),
    ...onlyWith("image.pool", image, "pool", "name"),
    ...webAddress("image.url", field(image, "url")),
    ...oneOf("pool", pool, ["name", "create"], "optional"),
    ...notEmpty("pool.name", field(pool, "name")),
    ...absolutePath("pool.create.path", field(pool, "create", "path")),
    ...dataDiskRules(args),
    ...oneOf("network", network, ["name", "bridge", "create"], "optional"),
    ...notEmpty("network.name", field(network, "name")),
    ...notEmpty("network.bridge", field(network, "bridge")),
    ...cidr("network.create.cidr", field(network, "create", "cidr")),
    ...macAddress("macAddress", args.macAddress),
    ...noAgent(field(args.ready, "until")),
    ...guestRules(args),
  ];
}

/** What the JSON Schema of LibvirtPool's arguments cannot say. */
export function libvirtPoolRules(args: unknown): Fault[] {
  return [
    ...connectionUri("uri", field(args, "uri")),
    ...absolutePath("path", field(args, "path")),
  ];
}

/** What the JSON Schema of LibvirtNetwork's arguments cannot say. */
export function libvirtNetworkRules(args: unknown): Fault[] {
  return [
    ...connectionUri("uri", field(args, "uri")),
    ...cidr("cidr", field(args, "cidr")),
  ];
}

/** What the JSON Schema of LibvirtImage's arguments cannot say. */
export function libvirtImageRules(args: unknown): Fault[] {
  const sources = isRecord(args)
    ? { path: args.path, url: args.url }
    : undefined;
  return [
    ...connectionUri("uri", field(args, "uri")),
    ...oneOf("", sources, ["path", "url"], "required"),
    ...notEmpty("path", field(args, "path")),
    ...webAddress("url", field(args, "url")),
  ];
}

/** A libvirt connection URI (https://libvirt.org/uri.html). */
export function connectionUri(path: string, value: unknown): Fault[] {
  const form =
    /^(qemu|test|xen|ch|bhyve)(\+(tcp|tls|unix)|(\+ssh)(?=:\/\/[^/]))?:\/\/[^\s/]*\/\S+$/;
  return textForm(
    path,
    value,
    (text) => form.test(text),
    "a libvirt URI like qemu:///system or qemu+ssh://user@host/system",
  );
}

/** An IPv4 network that has room for a gateway and guests. */
function cidr(path: string, value: unknown): Fault[] {
  return textForm(
    path,
    value,
    (text) => {
      const network = parseIpv4Network(text);
      return (
        network !== undefined && network.prefix >= 8 && network.prefix <= 29
      );
    },
    "an IPv4 network like 10.77.0.0/24, with no bits behind its prefix and a prefix from 8 to 29",
  );
}

/** libvirt's guests are not asked through their agent. */
function noAgent(until: unknown): Fault[] {
  return until === "agent"
    ? [
        {
          path: "ready.until",
          problem: `is "agent", which is for machines on Proxmox VE, must be "address", "ssh", "cloudInit" or "none"`,
        },
      ]
    : [];
}
