import { Type } from "@sinclair/typebox";
import type { Static } from "@sinclair/typebox";

import { choice, fields } from "../frame/define";
import {
  hostField,
  hostPath,
  ipv4,
  lanField,
  machineField,
  networkField,
  stampField,
  text,
} from "../microvm/fields";
import { hostIdField, onHostChangeField } from "../microvm/hostChange";

const macAddress = Type.String({
  pattern: "^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$",
  allowed: 'a unicast MAC address in lower case, such as "52:54:00:12:34:56"',
  description: "MAC address of the interface.",
});

const disk = fields(
  {
    name: text("The disk's serial, and the label of its file system.", {
      maxLength: 16,
    }),
    path: hostPath("The raw file on the host."),
    readOnly: Type.Boolean({
      default: false,
      description: "Whether the guest can only read it.",
    }),
    grows: Type.Boolean({
      default: false,
      description:
        "Whether the file system on it is made as large as the file before the machine starts.",
    }),
    revision: Type.String({
      default: "",
      description: "Another one makes the machine start anew.",
    }),
  },
  { title: "MicroVmDisk", description: "A disk of the machine." },
);

const nic = fields(
  {
    network: networkField(),
    address: ipv4("The machine's address."),
    gateway: ipv4("The host's address in the network."),
    prefix: Type.Integer({
      minimum: 1,
      maximum: 32,
      description: "Length of the network's prefix.",
    }),
    mac: macAddress,
    lan: lanField(
      "The host's interface on which the host answers for the machine.",
    ),
  },
  { title: "MicroVmNic", description: "An interface of the machine." },
);

const share = fields(
  {
    name: Type.String({
      pattern: "^[a-z][a-z0-9-]{0,15}$",
      allowed:
        "up to 16 lower-case letters, digits and hyphens, starting with a letter",
      description: "The tag by which the guest mounts it.",
    }),
    hostPath: hostPath("The folder on the host."),
    readOnly: Type.Boolean({
      default: false,
      description: "Whether the guest can only read it.",
    }),
  },
  {
    title: "MicroVmShare",
    description: "A folder of the host that the guest shares.",
  },
);

const allowed = fields(
  {
    protocol: choice(["tcp", "udp", "icmp"], {
      title: "MicroVmProtocol",
      default: "tcp",
      description: "What may come in.",
    }),
    ports: Type.Array(Type.Integer({ minimum: 1, maximum: 65535 }), {
      default: [],
      description: "Ports of the machine. Default: all.",
    }),
    from: Type.Array(
      Type.String({
        pattern: "^(\\d{1,3}\\.){3}\\d{1,3}(/\\d{1,2})?$",
        allowed: "an IPv4 address or network",
      }),
      {
        default: [],
        description: "Addresses and networks that may. Default: everybody.",
      },
    ),
  },
  { title: "MicroVmAllowed", description: "Who may reach the machine." },
);

const document = (description: string, more: object = {}) =>
  Type.Optional(Type.String({ description, ...more }));

/** Inputs of `MicroVmService`. */
export const inputs = fields({
  connection: hostField(),
  name: machineField(),
  hostname: text("The guest's own name.", { maxLength: 63 }),
  stamp: stampField(),
  hypervisor: choice(["cloudHypervisor", "firecracker", "qemu"], {
    title: "MicroVmHypervisorKind",
    description: "What runs the machine.",
  }),
  acceleration: choice(["kvm", "tcg"], {
    title: "MicroVmAcceleration",
    default: "kvm",
    description: "What runs the guest's instructions.",
  }),
  vcpus: Type.Integer({
    minimum: 1,
    maximum: 255,
    default: 1,
    description: "Number of virtual processors.",
  }),
  memoryMib: Type.Integer({
    minimum: 16,
    maximum: 16777216,
    default: 256,
    description: "Memory of the guest, in MiB.",
  }),
  kernel: hostPath("The guest's kernel, on the host."),
  initrd: Type.Optional(hostPath("Its initrd, on the host.")),
  kernelArguments: Type.Array(
    Type.String({
      pattern: "^[!-~]+$",
      allowed: "one printable word",
    }),
    { default: [], description: "Further arguments of the guest's kernel." },
  ),
  disks: Type.Array(disk, {
    default: [],
    description: "Disks, in the order in which the guest sees them.",
  }),
  hasRootDisk: Type.Boolean({
    default: false,
    description: "Whether the first disk is the guest's root.",
  }),
  interfaces: Type.Array(nic, {
    minItems: 1,
    maxItems: 8,
    description: "Interfaces, in the order in which the guest sees them.",
  }),
  vsockCid: Type.Optional(
    Type.Integer({
      minimum: 3,
      maximum: 4294967294,
      description: "The guest's vsock address, unique on the host.",
    }),
  ),
  sharedFolders: Type.Array(share, {
    default: [],
    description: "Folders of the host that the guest shares.",
  }),
  userData: document("cloud-init's user-data.", { secret: true }),
  metaData: document("cloud-init's meta-data."),
  networkConfig: document("cloud-init's network-config."),
  allow: Type.Array(allowed, {
    default: [],
    description: "Who may reach the machine beside its host.",
  }),
  running: Type.Boolean({
    default: true,
    description: "Whether the machine runs, and starts with its host.",
  }),
  restart: choice(["always", "onFailure", "never"], {
    title: "MicroVmRestart",
    default: "always",
    description: "When systemd starts a machine that has ended.",
  }),
  cpuQuotaPercent: Type.Optional(
    Type.Integer({
      minimum: 1,
      description:
        "CPU time, in percent of one processor. Default: 100 for each virtual one.",
    }),
  ),
  memoryOverheadMib: Type.Integer({
    minimum: 16,
    maximum: 65536,
    default: 128,
    description: "Memory for the hypervisor beside the guest's, in MiB.",
  }),
  stopTimeoutSeconds: Type.Integer({
    minimum: 0,
    maximum: 3600,
    default: 60,
    description: "Longest time that the guest is given to shut down.",
  }),
  onHostChange: onHostChangeField(),
  drift: Type.Array(Type.String(), {
    default: [],
    description:
      "Leave it out: a refresh says here what on the host is not as declared.",
  }),
});

/** Outputs of `MicroVmService`. */
export const outputs = fields({
  unitName: Type.String({ description: "The systemd unit." }),
  hypervisorPath: Type.String({ description: "The hypervisor's program." }),
  hypervisorVersion: Type.String({ description: "Its version." }),
  revision: Type.String({
    description: "What the machine was started with, as a hash.",
  }),
  startId: Type.String({
    description:
      "Another one says that the machine was started anew; empty for one that is not running.",
  }),
  hostId: hostIdField(),
});

export type Inputs = Static<typeof inputs>;
export type Outputs = Static<typeof outputs>;
