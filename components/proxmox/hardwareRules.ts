import { isIP, isIPv4, isIPv6 } from "node:net";
import {
  eachItem,
  field,
  macAddress,
  notEmpty,
  textForm,
} from "../core/argumentRules";
import { type Fault, show } from "../core/faults";
import { isRecord, isText } from "../core/later";
import { dataInterface } from "./machineInputs";

const ROOT_INTERFACES = ["scsi0", "virtio0", "sata0", "ide0"];

/** The rules of root disk and data disks. */
export function diskRules(args: Record<string, unknown>): Fault[] {
  const { rootDisk, dataDisks } = args;
  return [
    ...storageName("rootDisk.storage", field(rootDisk, "storage")),
    ...textForm(
      "rootDisk.interface",
      field(rootDisk, "interface"),
      (text) => ROOT_INTERFACES.includes(text),
      `one of ${ROOT_INTERFACES.join(", ")}`,
    ),
    ...rootDiskOptions(rootDisk),
    ...(Array.isArray(dataDisks) &&
    dataDisks.length > 0 &&
    rootDisk === undefined
      ? [
          {
            path: "rootDisk",
            problem:
              "is missing, must stand beside dataDisks: the disks are given as a whole or not at all",
          },
        ]
      : []),
    ...eachItem("dataDisks", dataDisks, (path, disk) => [
      ...textForm(
        `${path}.name`,
        disk.name,
        (text) => /^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$/.test(text),
        "1 to 20 lower-case letters, digits and hyphens, starting with a letter and not ending with a hyphen",
      ),
      ...storageName(`${path}.storage`, disk.storage),
      ...textForm(
        `${path}.interface`,
        disk.interface,
        (text) => /^scsi([1-9]|[12]\d|30)$/.test(text),
        "scsi1 to scsi30",
      ),
    ]),
    ...doubles(dataDisks),
    ...["efiDisk", "tpm"].flatMap((name) =>
      storageName(`${name}.storage`, field(args[name], "storage")),
    ),
    ...storageName("cloudInitStorage", args.cloudInitStorage),
    ...storageName("snippetStorage", args.snippetStorage),
  ];
}

function rootDiskOptions(rootDisk: unknown): Fault[] {
  if (!isRecord(rootDisk) || rootDisk.interface === undefined) {
    return [];
  }
  const place = String(rootDisk.interface);
  const lacks = (option: string, kinds: RegExp) =>
    rootDisk[option] === true && kinds.test(place)
      ? [
          {
            path: `rootDisk.${option}`,
            problem: `is true with interface ${show(place)}, which has no such option; must be false or left out`,
          },
        ]
      : [];
  return [...lacks("ssd", /^virtio/), ...lacks("ioThread", /^(sata|ide)/)];
}

/** Names and places of data disks that are given twice. */
function doubles(dataDisks: unknown): Fault[] {
  const seen = new Set<string>();
  return eachItem("dataDisks", dataDisks, (path, disk) => {
    const index = Number(/\d+/.exec(path)?.[0]);
    const place = isText(disk.interface)
      ? disk.interface
      : dataInterface({}, index);
    return [
      ["name", String(disk.name)],
      ["interface", place],
    ].flatMap(([what, value]) => {
      const isDouble = seen.has(`${what} ${value}`);
      seen.add(`${what} ${value}`);
      return isDouble
        ? [
            {
              path: `${path}.${what}`,
              problem: `is ${show(value)}, as of another data disk; must be its own`,
            },
          ]
        : [];
    });
  });
}

/** The rules of network interfaces and name servers. */
export function networkRules(args: Record<string, unknown>): Fault[] {
  return [
    ...eachItem("networks", args.networks, (path, network) => [
      ...textForm(
        `${path}.bridge`,
        network.bridge,
        (text) => /^[a-z][\w.-]{0,14}$/i.test(text),
        "the name of a bridge like vmbr0",
      ),
      ...macAddress(`${path}.macAddress`, network.macAddress),
      ...addresses(`${path}.ipv4`, network.ipv4, 4),
      ...addresses(`${path}.ipv6`, network.ipv6, 6),
      ...(args.cloudInitDrive === false &&
      (network.ipv4 !== undefined || network.ipv6 !== undefined)
        ? [
            {
              path,
              problem:
                "has addresses with cloudInitDrive: false, which nobody tells the guest; must have none",
            },
          ]
        : []),
    ]),
    ...serverAddresses(field(args.dns, "servers")),
    ...notEmpty("dns.domain", field(args.dns, "domain")),
  ];
}

function addresses(path: string, value: unknown, version: 4 | 6): Fault[] {
  if (!isRecord(value)) {
    return [];
  }
  const words = version === 4 ? ["dhcp"] : ["dhcp", "auto"];
  const { address, gateway } = value;
  return [
    ...textForm(
      `${path}.address`,
      address,
      (text) => words.includes(text) || isWithPrefix(text, version),
      version === 4
        ? "dhcp or an address with prefix like 10.0.0.5/24"
        : "auto, dhcp or an address with prefix like 2001:db8::5/64",
    ),
    ...textForm(
      `${path}.gateway`,
      gateway,
      (text) => isIP(text) === version,
      `an IPv${version} address`,
    ),
    ...(gateway !== undefined && isText(address) && words.includes(address)
      ? [
          {
            path: `${path}.gateway`,
            problem: `is given with the address ${show(address)}, which brings one; must be left out`,
          },
        ]
      : []),
  ];
}

function isWithPrefix(text: string, version: 4 | 6): boolean {
  const [address = "", prefix = ""] = text.split("/");
  const isAddress = version === 4 ? isIPv4(address) : isIPv6(address);
  return (
    isAddress &&
    /^\d{1,3}$/.test(prefix) &&
    Number(prefix) <= (version === 4 ? 32 : 128) &&
    text.split("/").length === 2
  );
}

function serverAddresses(servers: unknown): Fault[] {
  return Array.isArray(servers)
    ? servers.flatMap((server, index) =>
        textForm(
          `dns.servers[${index}]`,
          server,
          (text) => isIP(text) !== 0,
          "an IP address",
        ),
      )
    : [];
}

function storageName(path: string, value: unknown): Fault[] {
  return textForm(
    path,
    value,
    (text) => /^[a-z][\w.-]*$/i.test(text),
    "the name of a storage like local-lvm",
  );
}
