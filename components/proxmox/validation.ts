import {
  eachItem,
  field,
  knownNow,
  notEmpty,
  oneOf,
  textForm,
} from "../core/argumentRules";
import { type Fault, show } from "../core/faults";
import { isRecord, isText } from "../core/later";
import { nfsShareRules } from "../core/nfsShare";
import { endpointOrigin, tokenUser } from "../core/proxmox-client/endpoint";
import { compileSchemaCheck } from "../core/schemaCheck";
import { FEATURE_SECRETS, featureListRules } from "../guest/guestFeatureRules";
import {
  GUEST_SECRETS,
  guestRules,
  privateKey,
  userName,
} from "../guest/guestRules";
import { fileListRules } from "../guest/injectedFiles";
import schema from "./args.schema.json";
import { diskRules, networkRules } from "./hardwareRules";

/** Arguments that are wrapped as secrets and whose values no fault shows. */
export const PROXMOX_SECRETS = [
  ...GUEST_SECRETS,
  ...FEATURE_SECRETS,
  "apiToken",
  "password",
];

const checkShape = compileSchemaCheck(
  { ...schema, $ref: "#/definitions/ProxmoxVmArgs" },
  PROXMOX_SECRETS,
);

/** Every fault in the arguments of a ProxmoxVm. Values that are `LATER` pass. */
export function validateProxmoxVm(args: unknown): Fault[] {
  return [...checkShape(args), ...proxmoxVmRules(args)];
}

/**
 * The fault of a machine's whole name, `<project>-<stack>-<name>`: Proxmox VE takes DNS names only.
 */
export function machineNameFaults(machineName: string): Fault[] {
  const isDnsName = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/i.test(machineName);
  return isDnsName && machineName.length <= 63
    ? []
    : [
        {
          path: "name",
          problem:
            `makes the machine's name ${show(machineName)}, must with project and stack be a DNS name: ` +
            "at most 63 letters, digits and hyphens",
        },
      ];
}

/** Arguments whose fields decide which resources there are, or what happens to them. */
const KNOWN_NOW = [
  "template",
  "image",
  "rootDisk",
  "dataDisks",
  "networks",
  "nodeSsh",
  "account",
  "onCloudInitChange",
  "ssh",
  "ready",
  "nfsMounts",
  "files",
  "finalForm",
];

/** What the JSON Schema of ProxmoxVm's arguments cannot say. */
export function proxmoxVmRules(args: unknown): Fault[] {
  if (!isRecord(args)) {
    return [];
  }
  return [
    ...accessRules(args),
    ...KNOWN_NOW.flatMap((name) => knownNow(name, args[name])),
    ...sourceRules(args),
    ...textForm("pool", args.pool, isPveId, "the id of a pool"),
    ...tagRules(args.tags),
    ...hardwareChoices(args),
    ...diskRules(args),
    ...networkRules(args),
    ...cloudInitRules(args),
    ...guestRules(args),
    ...stepRules(args),
  ];
}

/** How API and node are reached: the same for machines and for the hypervisors of a fleet. */
export function accessRules(args: Record<string, unknown>): Fault[] {
  return [
    ...textForm(
      "endpoint",
      args.endpoint,
      (text) => !throws(() => endpointOrigin(text)),
      "an address like https://pve1.example.com:8006",
    ),
    ...(isText(args.apiToken) && throws(() => tokenUser(String(args.apiToken)))
      ? [
          {
            path: "apiToken",
            problem: "is no API token, must be USER@REALM!ID=UUID",
          },
        ]
      : []),
    ...textForm("node", args.node, isNodeName, "the name of a node"),
    ...privateKey("nodeSsh.privateKey", field(args.nodeSsh, "privateKey")),
    ...notEmpty("nodeSsh.address", field(args.nodeSsh, "address")),
  ];
}

function sourceRules(args: Record<string, unknown>): Fault[] {
  const { template, image, rootDisk } = args;
  return [
    ...oneOf("", { template, image }, ["template", "image"], "required"),
    ...oneOf("template", template, ["vmId", "name"], "required"),
    ...notEmpty("template.name", field(template, "name")),
    ...textForm(
      "template.node",
      field(template, "node"),
      isNodeName,
      "the name of a node",
    ),
    ...textForm(
      "image.fileId",
      field(image, "fileId"),
      (text) => /^[\w.-]+:([\w-]+\/)?[^\s/]+$/.test(text),
      "a volume id like local:import/debian-12.qcow2",
    ),
    ...(image !== undefined && rootDisk === undefined
      ? [
          {
            path: "rootDisk",
            problem:
              "is missing, must stand beside image: it says how big the disk is",
          },
        ]
      : []),
  ];
}

function tagRules(tags: unknown): Fault[] {
  return Array.isArray(tags)
    ? tags.flatMap((tag, index) =>
        textForm(
          `tags[${index}]`,
          tag,
          (text) => /^[a-z0-9_][a-z0-9_+.-]*$/.test(text),
          "lower-case letters, digits, _, +, . and -",
        ),
      )
    : [];
}

const OS_TYPES = [
  "l24",
  "l26",
  "other",
  "solaris",
  "w2k",
  "w2k3",
  "w2k8",
  "win7",
  "win8",
  "win10",
  "win11",
  "wvista",
  "wxp",
];
const MACHINE_TYPE =
  /^(pc|q35(,viommu=(intel|virtio))?|pc(-i440fx|-q35)?-\d+(\.\d+)+(\+pve\d+)?)$/;

function hardwareChoices(args: Record<string, unknown>): Fault[] {
  const { machineType, memoryMib, balloonMib, bios, efiDisk } = args;
  const isOldChipset = isText(machineType) && !machineType.includes("q35");
  return [
    ...textForm(
      "machineType",
      machineType,
      (text) => MACHINE_TYPE.test(text),
      "pc, q35 or a version of them like pc-q35-9.0",
    ),
    ...textForm(
      "cpuType",
      args.cpuType,
      (text) => /^[\w.-]+$/.test(text),
      "a model like x86-64-v2-AES, host or custom-NAME",
    ),
    ...textForm(
      "osType",
      args.osType,
      (text) => OS_TYPES.includes(text),
      `one of ${OS_TYPES.join(", ")}`,
    ),
    ...(typeof memoryMib === "number" &&
    typeof balloonMib === "number" &&
    balloonMib > memoryMib
      ? [
          {
            path: "balloonMib",
            problem: `is ${balloonMib}, must be at most memoryMib: ${memoryMib}`,
          },
        ]
      : []),
    ...(efiDisk !== undefined && bios === "seabios"
      ? [
          {
            path: "efiDisk",
            problem:
              'is given with bios "seabios", must be left out or stand with "ovmf"',
          },
        ]
      : []),
    ...eachItem("pciDevices", args.pciDevices, (path, device) => [
      ...notEmpty(`${path}.mapping`, device.mapping),
      ...(device.pcie === true && isOldChipset
        ? [
            {
              path: `${path}.pcie`,
              problem: `is true with machineType ${show(machineType)}, must be false or stand with q35`,
            },
          ]
        : []),
    ]),
  ];
}

function cloudInitRules(args: Record<string, unknown>): Fault[] {
  const { account, cloudInit, dns, cloudInitDrive } = args;
  const needDrive = { account, cloudInit, dns };
  return [
    ...oneOf("", { account, cloudInit }, ["account", "cloudInit"], "optional"),
    ...Object.entries(needDrive).flatMap(([path, value]) =>
      cloudInitDrive === false && value !== undefined
        ? [
            {
              path,
              problem: "is given with cloudInitDrive: false, must be left out",
            },
          ]
        : [],
    ),
    ...userName("account.name", field(account, "name")),
    ...keyLines(field(account, "sshAuthorizedKeys")),
    ...unpinnedHostKey(args),
    ...unknownAddress(args),
  ];
}

function keyLines(keys: unknown): Fault[] {
  return Array.isArray(keys)
    ? keys.flatMap((key, index) =>
        textForm(
          `account.sshAuthorizedKeys[${index}]`,
          key,
          (text) => /^\S+ \S+.*$/.test(text) && !/[\r\n]/.test(text),
          "one line of authorized_keys like ssh-ed25519 AAAA... me",
        ),
      )
    : [];
}

/** Without the agent nobody tells Corral the guest's address. */
function unknownAddress({
  ready,
  networks,
  running,
}: Record<string, unknown>): Fault[] {
  const first: unknown = Array.isArray(networks) ? networks[0] : undefined;
  const address = field(first, "ipv4", "address");
  return field(ready, "through") === "ssh" &&
    field(ready, "until") !== "none" &&
    running !== false &&
    (address === undefined || address === "dhcp")
    ? [
        {
          path: "networks[0].ipv4.address",
          problem:
            'must be an address of its own with ready.through "ssh": only the guest agent tells one that DHCP gave',
        },
      ]
    : [];
}

/** Without the agent and without a snippet nobody tells Corral which host key is the guest's. */
function unpinnedHostKey({
  ready,
  ssh,
  cloudInit,
}: Record<string, unknown>): Fault[] {
  return field(ready, "through") === "ssh" &&
    cloudInit === undefined &&
    field(ssh, "hostKey") === undefined
    ? [
        {
          path: "ssh.hostKey",
          problem:
            'is missing with ready.through "ssh"; must be the guest\'s public host key, or cloudInit be given, which hands one in',
        },
      ]
    : [];
}

function stepRules(args: Record<string, unknown>): Fault[] {
  const { nfsMounts, files, features, finalForm } = args;
  const until = field(args.ready, "until");
  const unready = until === "none" || until === "agent";
  return [
    ...eachItem("nfsMounts", nfsMounts, (path, share) => [
      // It stands in the name of the mount's resource.
      ...knownNow(`${path}.guestPath`, share.guestPath),
      ...nfsShareRules(path, share),
    ]),
    ...(Array.isArray(files) ? fileListRules(files) : []),
    ...featureListRules("features", features),
    ...textForm(
      "finalForm.name",
      field(finalForm, "name"),
      (text) =>
        /^[A-Za-z][A-Za-z0-9_-]{1,39}$/.test(text) &&
        !/^(current|pending)$/i.test(text),
      "2 to 40 letters, digits, - and _, that start with a letter; current and pending are Proxmox VE's own",
    ),
    ...Object.entries({ nfsMounts, files, features }).flatMap(
      ([path, steps]) =>
        Array.isArray(steps) && steps.length > 0 && unready
          ? [
              {
                path,
                problem: `are given with ready.until ${show(until)}, which does not wait for ssh; must be left out, or stand with "ssh" or "cloudInit"`,
              },
            ]
          : [],
    ),
  ];
}

function isNodeName(text: string): boolean {
  return /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/i.test(text);
}

function isPveId(text: string): boolean {
  return /^[\w.-]+(\/[\w.-]+)*$/.test(text);
}

function throws(read: () => unknown): boolean {
  try {
    read();
    return false;
  } catch {
    return true;
  }
}
