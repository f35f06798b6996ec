import {
  absolutePath,
  eachItem,
  field,
  knownNow,
  macAddress,
  oneOf,
  textForm,
  webAddress,
} from "../core/argumentRules";
import { type Fault, show } from "../core/faults";
import { isRecord, isText } from "../core/later";
import { featureFaults } from "../core/microvm/features";
import type { HypervisorKind } from "../core/microvm/plan";
import { isLeasable, leaseRange, parseIpv4 } from "../core/microvm/subnet";
import { compileSchemaCheck } from "../core/schemaCheck";
import { SSH_PORT } from "../core/sshPort";
import {
  connectionRules,
  GUEST_SECRETS,
  guestRules,
} from "../guest/guestRules";
import schema from "./args.schema.json";
import { interfaceName } from "./hostValidation";
import { hostPath, sharedFolderRules } from "./hostPathRules";

/** Arguments that are wrapped as secrets and whose values no fault shows. */
export const SECRET_ARGUMENTS = GUEST_SECRETS;

const shape = compileSchemaCheck(
  { ...schema, $ref: "#/definitions/MicroVmArgs" },
  SECRET_ARGUMENTS,
);

/** Every fault in the arguments of a MicroVm. Values that are `LATER` pass. */
export function validateMicroVm(args: unknown): Fault[] {
  return [...shape(args), ...microVmRules(args)];
}

/** Arguments whose fields decide which resources there are, or what happens to them. */
const KNOWN_NOW = [
  "onHostChange",
  "hypervisor",
  "kernel",
  "initrd",
  "rootDisk",
  "volumes",
  "sharedFolders",
  "interfaces",
  "allow",
  "cloudInit",
  "onCloudInitChange",
  "ssh",
  "ready",
];

/** What the JSON Schema of MicroVm's arguments cannot say. */
export function microVmRules(args: unknown): Fault[] {
  if (!isRecord(args)) {
    return [];
  }
  const { host } = args;
  return [
    ...KNOWN_NOW.flatMap((name) => knownNow(name, args[name])),
    ...placeRules("host", host, "address", args.address),
    ...imageRules("kernel", args.kernel),
    ...imageRules("initrd", args.initrd),
    ...imageRules("rootDisk.image", field(args.rootDisk, "image")),
    ...volumeRules(args.volumes),
    ...sharedFolderRules(args.sharedFolders),
    ...macAddress("macAddress", args.macAddress),
    ...interfaceRules(host, args.interfaces),
    ...eachItem("allow", args.allow, allowRules),
    ...kernelArgumentRules(args.kernelArguments),
    ...hypervisorRules(args),
    ...noAgent(field(args.ready, "until")),
    ...guestRules(args),
  ];
}

/** A host with a network of its, and an address in it. */
function placeRules(
  path: string,
  place: unknown,
  addressPath: string,
  address: unknown,
): Fault[] {
  return [
    ...(isRecord(place)
      ? connectionRules(`${path}.connection`, place.connection)
      : []),
    ...networkRules(path, place, addressPath, address),
    ...interfaceName(`${path}.lan`, field(place, "lan")),
  ];
}

/** Further interfaces: each in a network of its own, on the machine's host. */
function interfaceRules(host: unknown, interfaces: unknown): Fault[] {
  const server = serverOf(host);
  const networks = new Set([field(host, "network")]);
  return eachItem("interfaces", interfaces, (path, { host: place, ...nic }) => {
    const other = serverOf(place);
    const network = field(place, "network");
    const isTwice = isText(network) && networks.has(network);
    networks.add(network);
    return [
      ...placeRules(`${path}.host`, place, `${path}.address`, nic.address),
      ...macAddress(`${path}.macAddress`, nic.macAddress),
      ...(server !== undefined && other !== undefined && other !== server
        ? [
            {
              path: `${path}.host`,
              problem: `is on ${other}, must be a network of the machine's own host ${server}`,
            },
          ]
        : isTwice
          ? [
              {
                path: `${path}.host`,
                problem: `is the network ${show(network)}, must be another than those of the interfaces before`,
              },
            ]
          : []),
    ];
  });
}

/** Address and port of a host; undefined while they are not known. */
function serverOf(place: unknown): string | undefined {
  const connection = field(place, "connection");
  const address = field(connection, "host");
  const port = field(connection, "port") ?? SSH_PORT;
  return isText(address) && typeof port === "number"
    ? `${address}:${port}`
    : undefined;
}

/** A subnet with its gateway, and an address in it. */
function networkRules(
  path: string,
  network: unknown,
  addressPath: string,
  address: unknown,
): Fault[] {
  const subnet = field(network, "subnet");
  const gateway = field(network, "gateway");
  if (!isText(subnet) || !isText(gateway)) {
    return [];
  }
  const range = leaseRange(subnet, gateway);
  if (range === undefined) {
    return [
      {
        path: `${path}.subnet`,
        problem: `is ${show(subnet)} with the gateway ${show(gateway)}, must be a network like 10.0.0.0/24 with an address in it`,
      },
    ];
  }
  return textForm(
    addressPath,
    address,
    (text) => isLeasable(text, range),
    `a machine's address in ${subnet}: neither its first nor its last one, nor the host's own ${gateway}`,
  );
}

function imageRules(path: string, image: unknown): Fault[] {
  const missing =
    field(image, "url") !== undefined && field(image, "sha256") === undefined;
  return [
    ...oneOf(
      path,
      isRecord(image)
        ? { file: image.file, path: image.path, url: image.url }
        : undefined,
      ["file", "path", "url"],
      "required",
    ),
    ...knownNow(`${path}.file`, field(image, "file")),
    ...hostPath(`${path}.path`, field(image, "path")),
    ...webAddress(`${path}.url`, field(image, "url")),
    ...textForm(
      `${path}.sha256`,
      field(image, "sha256"),
      (text) => /^[0-9a-f]{64}$/.test(text),
      "64 lower-case hexadecimal digits",
    ),
    ...(missing
      ? [{ path: `${path}.sha256`, problem: "is missing, url needs it" }]
      : []),
  ];
}

function volumeRules(volumes: unknown): Fault[] {
  const names = new Set<string>();
  return eachItem("volumes", volumes, (path, volume) => {
    const { name, sizeGib, image, adopt, keep } = volume;
    const isTwice = isText(name) && names.has(name);
    if (isText(name)) {
      names.add(name);
    }
    return [
      ...knownNow(`${path}.name`, name),
      ...knownNow(`${path}.keep`, keep),
      ...textForm(
        `${path}.name`,
        name,
        (text) => /^[a-z][a-z0-9-]{0,15}$/.test(text) && !RESERVED.has(text),
        "1 to 16 lower-case letters, digits and hyphens, starting with a letter, other than root and cidata",
      ),
      ...(isTwice
        ? [
            {
              path: `${path}.name`,
              problem: `is ${show(name)}, must be another than that of the volumes before`,
            },
          ]
        : []),
      ...(sizeGib === undefined && image === undefined
        ? [{ path: `${path}.sizeGib`, problem: "is missing, must be the size" }]
        : []),
      ...[
        ["sizeGib", sizeGib],
        ["keep", keep],
        ["adopt", adopt],
      ].flatMap(([other, value]) =>
        image !== undefined && value !== undefined
          ? [
              {
                path: `${path}.${String(other)}`,
                problem:
                  "is given beside image, which is used as it is; must be left out",
              },
            ]
          : [],
      ),
      ...absolutePath(`${path}.mountPoint`, volume.mountPoint),
      ...hostPath(`${path}.image`, image),
      ...textForm(
        `${path}.adopt`,
        adopt,
        (text) => /^[A-Za-z0-9][\w.-]*\/[a-z][a-z0-9-]{0,15}$/.test(text),
        "MACHINE/VOLUME, as corral orphans shows it",
      ),
    ];
  });
}

/** Names of disks that Corral gives itself. */
const RESERVED = new Set(["root", "cidata"]);

function allowRules(
  path: string,
  { protocol, ports, from }: Record<string, unknown>,
): Fault[] {
  return [
    ...(protocol === "icmp" && Array.isArray(ports) && ports.length > 0
      ? [
          {
            path: `${path}.ports`,
            problem: "is given for icmp, which has none; must be left out",
          },
        ]
      : []),
    ...(Array.isArray(from)
      ? from.flatMap((source, index) =>
          textForm(
            `${path}.from[${index}]`,
            source,
            isSource,
            "an IPv4 address or a network like 10.0.0.0/24",
          ),
        )
      : []),
  ];
}

function isSource(text: string): boolean {
  return text.includes("/")
    ? leaseRange(text, text.replace(/\/.*$/, "")) !== undefined
    : parseIpv4(text) !== undefined;
}

function kernelArgumentRules(words: unknown): Fault[] {
  return Array.isArray(words)
    ? words.flatMap((word, index) =>
        textForm(
          `kernelArguments[${index}]`,
          word,
          (text) => /^[!-~]+$/.test(text),
          "one word of printable characters",
        ),
      )
    : [];
}

/** What the hypervisor cannot do. */
function hypervisorRules(args: Record<string, unknown>): Fault[] {
  const { hypervisor = "cloudHypervisor", vcpus, host } = args;
  const acceleration = field(host, "acceleration");
  return isKind(hypervisor)
    ? featureFaults({
        hypervisor,
        acceleration:
          acceleration === "tcg" || acceleration === "kvm"
            ? acceleration
            : undefined,
        vcpus: typeof vcpus === "number" ? vcpus : undefined,
        // The disk with cloud-init's documents is one of them.
        disks:
          countOf(args.volumes) + (args.rootDisk === undefined ? 0 : 1) + 1,
        interfaces: countOf(args.interfaces) + 1,
        hasVsock: args.vsockCid !== undefined,
        sharedFolders: countOf(args.sharedFolders),
      })
    : [];
}

function isKind(value: unknown): value is HypervisorKind {
  return ["cloudHypervisor", "firecracker", "qemu"].includes(String(value));
}

function countOf(list: unknown): number {
  return Array.isArray(list) ? list.length : 0;
}

/** Guests of microVMs are not asked through an agent. */
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
