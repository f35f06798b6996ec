import { randomBytes } from "node:crypto";
import { parameterError } from "../http/apiError";
import {
  parseProperties,
  printProperties,
  type Properties,
} from "./propertyString";

const models = [
  ...["e1000", "e1000-82540em", "e1000-82544gc", "e1000-82545em", "e1000e"],
  ...["i82551", "i82557b", "i82559er", "ne2k_isa", "ne2k_pci", "pcnet"],
  ...["rtl8139", "virtio", "vmxnet3"],
];

/** A network device of a machine. */
export interface NetworkDevice {
  readonly model: string;
  readonly mac: string;
  readonly bridge?: string;
  /** All others: firewall, tag, mtu, ... */
  readonly options: Properties;
}

/**
 * Reads a value such as `virtio=BC:24:11:00:00:01,bridge=vmbr0` or `model=virtio,bridge=vmbr0`. A
 * device without a MAC address gets a random one.
 *
 * @throws ApiError 400 that names the key.
 */
export function parseNetwork(key: string, text: string): NetworkDevice {
  const properties = new Map(parseProperties(text, "model"));
  const short = models.find((model) => properties.has(model));
  const model = short ?? properties.get("model");
  if (model === undefined || !models.includes(model)) {
    throw parameterError({
      [key]: `invalid format - format error\n${key}.model: property is missing and it is not optional\n`,
    });
  }
  const mac =
    (short === undefined ? undefined : properties.get(short)) ??
    properties.get("macaddr") ??
    randomMac();
  if (!/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/i.test(mac)) {
    throw parameterError({
      [key]: `invalid format - format error\n${key}.macaddr: invalid format - value does not look like a valid unicast MAC address\n`,
    });
  }
  const bridge = properties.get("bridge");
  [model, "model", "macaddr", "bridge"].forEach((name) =>
    properties.delete(name),
  );
  return {
    model,
    mac,
    ...(bridge === undefined ? {} : { bridge }),
    options: properties,
  };
}

/** As it stands in the configuration. */
export function printNetwork({
  model,
  mac,
  bridge,
  options,
}: NetworkDevice): string {
  const others = printProperties(
    new Map([
      ...(bridge === undefined ? [] : [["bridge", bridge] as const]),
      ...options,
    ]),
  );
  return [`${model}=${mac}`, ...(others === "" ? [] : [others])].join(",");
}

/** A MAC address with Proxmox's own prefix. */
export function randomMac(): string {
  const tail = [...randomBytes(3)].map((byte) =>
    byte.toString(16).padStart(2, "0").toUpperCase(),
  );
  return ["BC", "24", "11", ...tail].join(":");
}

/** Network devices of a configuration by key. */
export function networksOf(
  config: Readonly<Record<string, string>>,
): ReadonlyMap<string, NetworkDevice> {
  return new Map(
    Object.entries(config)
      .filter(([key]) => /^net\d+$/.test(key))
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, value]) => [key, parseNetwork(key, value)]),
  );
}
