import { Type } from "@sinclair/typebox";
import type { Static } from "@sinclair/typebox";

import { choice, fields } from "../frame/define";
import type { Fault, InputsToCheck } from "../frame/define";
import { Unknown } from "../frame/value";
import {
  bastionFields,
  connectionFaults,
  connectionFields,
  port,
  privateKey,
} from "../guest/connectionFields";
import { stagesUntil, throughWays, untilLevels } from "../guest/stages";
import { uriFaults, uriField } from "./libvirtFields";
import { accessFaults, machineFields } from "./proxmoxFields";

const text = (description: string) =>
  Type.String({ minLength: 1, description });
const optionalText = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, description }));
const hostKey = (whose: string) =>
  optionalText(
    `${whose} public host key, \`ssh-ed25519 AAAA...\`, which it has to show. Default: what the ` +
      "user's known_hosts has; a key that is not known is refused.",
  );

const ssh = fields(
  {
    user: text("User to log in as."),
    port: port("TCP port of the guest's ssh server."),
    privateKey: privateKey(),
    hostKey: hostKey("The guest's"),
    bastion: Type.Optional(bastionFields),
  },
  {
    title: "GuestReadySsh",
    description:
      "How the guest is logged in to; needed for `ssh`, and for `cloudInit` unless `through` is `agent`.",
  },
);

const macAddress = (machine: string) =>
  Type.Optional(
    Type.String({
      pattern: "^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$",
      allowed: 'a MAC address such as "52:54:00:12:34:56"',
      description: `Interface whose address is wanted. Default: any of the ${machine}.`,
    }),
  );

const libvirt = fields(
  {
    uri: uriField(),
    domain: text("Name or UUID of the domain."),
    macAddress: macAddress("domain"),
    consolePool: optionalText(
      "Storage pool of the console's file; with `consoleFile`.",
    ),
    consoleFile: optionalText(
      "Name of the console's file in the pool; its end is shown when the guest does not get ready.",
    ),
  },
  {
    title: "GuestReadyLibvirt",
    description: "Given for a machine on libvirt.",
  },
);

const proxmox = fields(
  { ...machineFields(), macAddress: macAddress("machine") },
  {
    title: "GuestReadyProxmox",
    description: "Given for a machine on Proxmox VE.",
  },
);

const microVm = fields(
  {
    connection: connectionFields,
    name: text("Name of the machine on its host."),
  },
  {
    title: "GuestReadyMicroVm",
    description: "Given for a microVM: its unit and its journal are looked at.",
  },
);

/** Inputs of `GuestReady`. */
export const inputs = fields({
  until: choice(untilLevels, {
    title: "GuestReadyUntil",
    default: "ssh",
    description: "How far the guest must have come.",
  }),
  through: choice(throughWays, {
    title: "GuestReadyThrough",
    default: "ssh",
    description:
      "The way into the guest: ssh, or its QEMU guest agent, which needs no network (Proxmox VE only).",
  }),
  timeoutSeconds: Type.Integer({
    minimum: 1,
    maximum: 86400,
    default: 300,
    description: "Longest time to wait, in seconds.",
  }),
  machine: fields(
    {
      id: Type.String({
        minLength: 1,
        replaces: true,
        description: "Id of the machine: a new one is waited for anew.",
      }),
      name: text("The machine's name, for messages."),
      libvirt: Type.Optional(libvirt),
      proxmox: Type.Optional(proxmox),
      microVm: Type.Optional(microVm),
    },
    {
      title: "GuestReadyMachine",
      description: "The machine that is waited for.",
    },
  ),
  address: optionalText(
    "The guest's address, where it is known. Default: it is found out.",
  ),
  ssh: Type.Optional(ssh),
});

/** Outputs of `GuestReady`. */
export const outputs = fields({
  address: Type.String({
    description:
      "The guest's IP address; empty if none was waited for and none was given.",
  }),
  cloudInitStatus: Type.String({
    description:
      "Output of `cloud-init status --long`; empty unless that was waited for.",
  }),
  hostKey: Type.String({
    description:
      "The guest's public ssh host key: the pinned one, else what the guest told through its agent; " +
      "empty where neither is.",
  }),
  waitedFor: choice(untilLevels, {
    title: "GuestReadyUntil",
    description: "How far the guest has been seen to come.",
  }),
});

export type Inputs = Static<typeof inputs>;
export type Outputs = Static<typeof outputs>;

/** Checks across fields, also of a preview. */
export function checkGuest(args: InputsToCheck<Inputs>): Fault[] {
  const { machine, ssh: login } = args;
  const faults = [...stageFaults(args)];
  const where = machine instanceof Unknown ? undefined : machine.libvirt;
  if (!(machine instanceof Unknown)) {
    faults.push(...accessFaults("machine.proxmox", machine.proxmox));
    if (machine.libvirt !== undefined && machine.proxmox !== undefined) {
      faults.push({
        path: "machine.proxmox",
        reason: "is given, and so is libvirt; a machine is on one of them",
      });
    }
  }
  if (where !== undefined && !(where instanceof Unknown)) {
    faults.push(...uriFaults("machine.libvirt.uri", where.uri));
    const alone =
      (where.consolePool === undefined) !== (where.consoleFile === undefined);
    if (alone) {
      const missing =
        where.consolePool === undefined ? "consolePool" : "consoleFile";
      const given =
        where.consolePool === undefined ? "consoleFile" : "consolePool";
      faults.push({
        path: `machine.libvirt.${missing}`,
        reason: `is missing; ${given} is given, and the two go together`,
      });
    }
  }
  faults.push(...connectionFaults("ssh", login));
  return faults;
}

/** What the stages that are asked for need. */
function stageFaults({
  until,
  through,
  machine,
  address,
  ssh: login,
}: InputsToCheck<Inputs>): Fault[] {
  if (
    until instanceof Unknown ||
    through instanceof Unknown ||
    machine instanceof Unknown
  ) {
    return [];
  }
  const faults: Fault[] = [];
  // What no wait is known by is said by the schema; any wait needs to know where the guest is.
  const stages = stagesUntil(
    isOneOf(untilLevels, until) ? until : "address",
    isOneOf(throughWays, through) ? through : "ssh",
  );
  if (stages.includes("login") && login === undefined) {
    faults.push({
      path: "ssh",
      reason: `is missing; until is "${until}", which needs it`,
    });
  }
  if (stages.includes("agent") && machine.proxmox === undefined) {
    const [field, value] =
      through === "agent" ? ["through", through] : ["until", until];
    faults.push({
      path: "machine.proxmox",
      reason: `is missing; ${field} is "${value}", which needs it`,
    });
  } else if (
    stages.includes("address") &&
    address === undefined &&
    machine.libvirt === undefined &&
    machine.proxmox === undefined
  ) {
    faults.push({
      path: "address",
      reason:
        "is missing; it must be given, or machine.libvirt or machine.proxmox to find it out",
    });
  }
  return faults;
}

function isOneOf<const T extends string>(
  allowed: readonly T[],
  value: T | undefined,
): value is T {
  return value !== undefined && allowed.includes(value);
}
