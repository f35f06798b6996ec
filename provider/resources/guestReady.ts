import { Type } from "@sinclair/typebox";
import type { Static } from "@sinclair/typebox";

import { choice, defineResource, fields } from "../frame/define";
import type { Fault, InputsToCheck } from "../frame/define";
import type { OperationContext } from "../frame/context";
import { Unknown } from "../frame/value";
import { LibvirtProbe } from "../guest/libvirtProbe";
import { SshAccess } from "../guest/sshAccess";
import { asksForMore, furthest, untilLevels } from "../guest/stages";
import { systemClock, waitForGuest } from "../guest/wait";
import { parseHostKeys } from "../ssh/hostKey";
import { sshPool } from "../ssh/shared";
import { readFaults, uriFaults, uriField } from "./libvirtFields";

const text = (description: string) =>
  Type.String({ minLength: 1, description });
const optionalText = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, description }));
const port = (description: string) =>
  Type.Integer({ minimum: 1, maximum: 65535, default: 22, description });
const privateKey = () =>
  Type.String({
    minLength: 1,
    secret: true,
    description:
      "Private key in a format that ssh2 reads (OpenSSH, PEM, PPK), no passphrase.",
  });
const hostKey = (whose: string) =>
  optionalText(
    `${whose} public host key, \`ssh-ed25519 AAAA...\`, which it has to show. Default: what the ` +
      "user's known_hosts has; a key that is not known is refused.",
  );

const bastion = fields(
  {
    host: text("Name or address."),
    port: port("TCP port of its ssh server."),
    user: text("User to log in as."),
    privateKey: privateKey(),
    hostKey: hostKey("Its"),
  },
  {
    title: "GuestReadyBastion",
    description: "A host to go through. Default: none.",
  },
);

const ssh = fields(
  {
    user: text("User to log in as."),
    port: port("TCP port of the guest's ssh server."),
    privateKey: privateKey(),
    hostKey: hostKey("The guest's"),
    bastion: Type.Optional(bastion),
  },
  {
    title: "GuestReadySsh",
    description:
      "How the guest is logged in to; needed for `ssh` and `cloudInit`.",
  },
);

const libvirt = fields(
  {
    uri: uriField(),
    domain: text("Name or UUID of the domain."),
    macAddress: Type.Optional(
      Type.String({
        pattern: "^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$",
        allowed: 'a MAC address such as "52:54:00:12:34:56"',
        description:
          "Interface whose address is wanted. Default: any of the domain.",
      }),
    ),
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

const inputs = fields({
  until: choice(untilLevels, {
    title: "GuestReadyUntil",
    default: "ssh",
    description: "How far the guest must have come.",
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

const outputs = fields({
  address: Type.String({
    description:
      "The guest's IP address; empty if none was waited for and none was given.",
  }),
  cloudInitStatus: Type.String({
    description:
      "Output of `cloud-init status --long`; empty unless that was waited for.",
  }),
  waitedFor: choice(untilLevels, {
    title: "GuestReadyUntil",
    description: "How far the guest has been seen to come.",
  }),
});

type Inputs = Static<typeof inputs>;
type Outputs = Static<typeof outputs>;

/** A guest that has come as far as asked. */
export const guestReady = defineResource({
  token: "corral-ops:index:GuestReady",
  description:
    "A guest that is ready: waits, bounded, until it has come as far as asked. If it does not, the " +
    "error says which stage failed and shows the end of the guest's console; nothing is created, so " +
    "that the next update waits again. A refresh never waits.",
  inputs,
  outputs,

  checks: checkGuest,

  async create(ctx, args) {
    return { id: args.machine.id, outputs: await wait(ctx, args) };
  },

  preview(args, old) {
    if (!old || mustWait(args, old)) {
      return typeof args.address === "string" ? { address: args.address } : {};
    }
    return settled(args, old.outputs);
  },

  async update(ctx, _id, old, args) {
    if (!mustWait(args, old)) {
      return settled(args, old.outputs);
    }
    const found = await wait(ctx, args);
    return { ...found, waitedFor: furthest(found.waitedFor, "none") };
  },
});

/** True if what was seen does not answer what is asked now: more is asked, or of another guest. */
function mustWait(
  args: InputsToCheck<Inputs>,
  old: { readonly inputs: Inputs; readonly outputs: Outputs },
): boolean {
  if (args.until instanceof Unknown || args.machine instanceof Unknown) {
    return true;
  }
  if (args.until === "none") {
    return false;
  }
  const where = (libvirtArgs: unknown) => {
    const { uri, domain, macAddress } = (libvirtArgs ?? {}) as Record<
      string,
      unknown
    >;
    return JSON.stringify([uri, domain, macAddress]);
  };
  return (
    asksForMore(args.until, old.outputs.waitedFor) ||
    args.address !== old.inputs.address ||
    args.machine.libvirt instanceof Unknown ||
    where(args.machine.libvirt) !== where(old.inputs.machine.libvirt)
  );
}

/** Nothing to wait for: what was seen stays, but an address that is given is the one that counts. */
function settled(args: InputsToCheck<Inputs>, old: Outputs): Outputs {
  return typeof args.address === "string"
    ? { ...old, address: args.address }
    : old;
}

async function wait(ctx: OperationContext, args: Inputs): Promise<Outputs> {
  const { until, machine, address } = args;
  // Ends a little before customTimeouts would cut it off, to have the time to say where it stood.
  const bound =
    ctx.deadline === undefined
      ? Infinity
      : (ctx.deadline - Date.now()) / 1000 - 3;
  const result = await waitForGuest({
    until,
    name: machine.name,
    timeoutSeconds: Math.max(
      1,
      Math.min(args.timeoutSeconds, Math.floor(bound)),
    ),
    address,
    probe: machine.libvirt && new LibvirtProbe(machine.libvirt),
    access: args.ssh && new SshAccess(sshPool(), args.ssh),
    clock: systemClock,
    log: ctx.log,
    signal: ctx.signal,
  });
  return {
    ...result,
    address: result.address || (address ?? ""),
    waitedFor: until,
  };
}

function checkGuest(args: InputsToCheck<Inputs>): Fault[] {
  const faults: Fault[] = [];
  const { until, machine, address, ssh: login } = args;
  const where = machine instanceof Unknown ? undefined : machine.libvirt;
  if ((until === "ssh" || until === "cloudInit") && login === undefined) {
    faults.push({
      path: "ssh",
      reason: `is missing; until is "${until}", which needs it`,
    });
  }
  if (
    typeof until === "string" &&
    until !== "none" &&
    address === undefined &&
    !(machine instanceof Unknown) &&
    where === undefined
  ) {
    faults.push({
      path: "address",
      reason: "is missing; it must be given, or machine.libvirt to find it out",
    });
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
  if (login !== undefined && !(login instanceof Unknown)) {
    faults.push(...readFaults("ssh.hostKey", login.hostKey, parseHostKeys));
    if (login.bastion !== undefined && !(login.bastion instanceof Unknown)) {
      faults.push(
        ...readFaults(
          "ssh.bastion.hostKey",
          login.bastion.hostKey,
          parseHostKeys,
        ),
      );
    }
  }
  return faults;
}
