import { randomBytes } from "node:crypto";

import { hypervisorFeatures } from "@corral-iac/corral/core/microvm/features";
import {
  hostFaults,
  newWishes,
} from "@corral-iac/corral/core/microvm/hostFacts";
import type { HostFacts } from "@corral-iac/corral/core/microvm/hostFacts";
import type { NetworkPlan } from "@corral-iac/corral/core/microvm/network";
import { hostPaths, networkUnit } from "@corral-iac/corral/core/microvm/paths";
import type { HypervisorKind } from "@corral-iac/corral/core/microvm/plan";
import {
  factsScript,
  readFacts,
} from "@corral-iac/corral/core/microvm/scripts/hostFacts";
import {
  networkApplyScript,
  networkLookScript,
  networkRemoveScript,
} from "@corral-iac/corral/core/microvm/scripts/network";
import { isLeasable, leaseRange } from "@corral-iac/corral/core/microvm/subnet";
import { Type } from "@sinclair/typebox";
import type { Static } from "@sinclair/typebox";

import type { OperationContext } from "../frame/context";
import { choice, defineResource, fields } from "../frame/define";
import type { Fault, InputsToCheck } from "../frame/define";
import { connectionFaults } from "../guest/connectionFields";
import { keptIfOutOfReach, removedOrGone } from "../guest/outOfReach";
import {
  hostField,
  ipv4,
  lanField,
  networkField,
  stampField,
  text,
} from "../microvm/fields";
import { asPartialFailure, HostShell } from "../microvm/hostShell";
/** A step may have to wait for another one of the same network. */
const STEP_SECONDS = 180;

const hypervisorKinds = Object.keys(hypervisorFeatures) as [
  HypervisorKind,
  ...HypervisorKind[],
];

const inputs = fields({
  connection: hostField(),
  host: text(
    "The host's name or address, as in `connection`: another one is another host.",
    { replaces: true },
  ),
  network: networkField({ replaces: true }),
  stamp: stampField(),
  subnet: text("The machines' subnet, for example `10.0.0.0/24`."),
  gateway: ipv4("The host's own address in it."),
  nat: Type.Boolean({
    default: true,
    description:
      "Whether the outside sees the host's address instead of the machines'.",
  }),
  lan: lanField(
    "The host's interface into whose network the machines go. Default: a network of their own.",
  ),
  acceleration: choice(["kvm", "tcg"], {
    title: "MicroVmAcceleration",
    default: "kvm",
    description:
      "What runs the guests' instructions: the processor, or QEMU's emulation.",
  }),
  hypervisors: Type.Array(
    choice(hypervisorKinds, { title: "MicroVmHypervisorKind" }),
    {
      default: [],
      description: "Hypervisors that have to be on the host. Default: any one.",
    },
  ),
  freeMemoryMib: Type.Integer({
    minimum: 0,
    default: 0,
    description: "Memory that has to be available on the host, in MiB.",
  }),
  freeDiskGib: Type.Number({
    minimum: 0,
    default: 0,
    description: "Disk that has to be free on the host at /var/lib, in GiB.",
  }),
  drift: Type.Array(Type.String(), {
    default: [],
    description:
      "Leave it out: a refresh puts here what on the host is not as declared.",
  }),
});

const outputs = fields({
  token: Type.String({
    description: "Tells this network from one that was made later.",
  }),
  unitName: Type.String({
    description: "The systemd unit that brings the network up.",
  }),
  versions: Type.Record(Type.String(), Type.String(), {
    description: "Versions of the hypervisors that were found on the host.",
  }),
  machineId: Type.String({ description: "The host's own id (machine-id(5))." }),
});

type Inputs = Static<typeof inputs>;
type Outputs = Static<typeof outputs>;

/** A network of microVMs on a host that has been looked at. */
export const microVmNetwork = defineResource({
  token: "corral-ops:index:MicroVmNetwork",
  description:
    "A network of microVMs on a Linux host. The host is looked at first, and everything that it lacks " +
    "is reported at once, with nothing changed. Then the network is made: forwarding, the rules of " +
    "nftables, and a systemd unit that brings it up at boot. A refresh compares all of it with what " +
    "is declared.",
  inputs,
  outputs,

  checks: checkNetwork,

  async create(ctx, args) {
    const token = randomBytes(8).toString("hex");
    return {
      id: `${args.network}@${token}`,
      outputs: await apply(ctx, args, token, undefined),
    };
  },

  preview({ network }, old) {
    return {
      ...old?.outputs,
      ...(typeof network === "string" && { unitName: networkUnit(network) }),
    };
  },

  async read(ctx, _id, state) {
    const { inputs: args, outputs: made } = state;
    const shell = new HostShell(args.connection, ctx.signal);
    return keptIfOutOfReach(ctx, state, async () => {
      const answer = await shell.run({
        what: `looking at the network ${args.network}`,
        script: networkLookScript(planOf(args, made.token), hostPaths),
        timeoutSeconds: STEP_SECONDS,
      });
      if (answer.get("network") !== undefined) {
        return undefined; // Gone, or somebody else's by now.
      }
      const drift = answer.all("drift");
      drift.forEach((found) => ctx.log.warn(`${shell.where}: ${found}`));
      return { inputs: { ...args, drift }, outputs: made };
    });
  },

  async update(ctx, _id, old, args) {
    return apply(ctx, args, old.outputs.token, old.inputs);
  },

  async delete(ctx, _id, { inputs: args, outputs: made }) {
    await removedOrGone(
      ctx,
      () =>
        new HostShell(args.connection, ctx.signal).run({
          what: `removing the network ${args.network}`,
          script: networkRemoveScript(planOf(args, made.token), hostPaths),
          timeoutSeconds: STEP_SECONDS,
        }),
      (why) =>
        `${why}. The host counts as gone: if it comes back, it still has the network ` +
        `${args.network} in /var/lib/corral and the unit ${made.unitName}.`,
    );
  },
});

async function apply(
  ctx: OperationContext,
  args: Inputs,
  token: string,
  before: Inputs | undefined,
): Promise<Outputs> {
  const shell = new HostShell(args.connection, ctx.signal);
  const facts = await lookAtHost(shell, args, before);
  const made: Outputs = {
    token,
    unitName: networkUnit(args.network),
    versions: Object.fromEntries(
      facts.hypervisors.map(({ kind, version }) => [kind, version]),
    ),
    machineId: facts.machineId,
  };
  try {
    await shell.run({
      what: `setting up the network ${args.network}`,
      script: networkApplyScript(planOf(args, token), hostPaths),
      timeoutSeconds: STEP_SECONDS,
    });
  } catch (error) {
    throw asPartialFailure(error, `${args.network}@${token}`, made);
  }
  return made;
}

/** @throws Error with everything that the host lacks. */
async function lookAtHost(
  shell: HostShell,
  args: Inputs,
  before: Inputs | undefined,
): Promise<HostFacts> {
  const answer = await shell.run({
    what: "looking at the host",
    script: factsScript(args.network, hostPaths),
    timeoutSeconds: STEP_SECONDS,
  });
  const facts = readFacts(answer);
  const faults = hostFaults(facts, newWishes(args, before));
  if (faults.length > 0) {
    throw new Error(
      [
        `${shell.where} cannot have the network ${args.network} for microVMs; nothing was changed there:`,
        ...faults.map((fault) => `  - ${fault}`),
      ].join("\n"),
    );
  }
  return facts;
}

function planOf(args: Inputs, token: string): NetworkPlan {
  const { network, stamp, subnet, gateway, nat, lan } = args;
  return { name: network, stamp, token, subnet, gateway, nat, lan };
}

function checkNetwork(args: InputsToCheck<Inputs>): Fault[] {
  const { subnet, gateway } = args;
  const faults = connectionFaults("connection", args.connection);
  if (typeof subnet !== "string" || typeof gateway !== "string") {
    return faults;
  }
  const range = leaseRange(subnet, gateway);
  if (range === undefined) {
    return [
      ...faults,
      { path: "subnet", reason: `is ${subnet}, must be like 10.0.0.0/24` },
    ];
  }
  // Where the gateway may be, a machine could be too.
  return isLeasable(gateway, { ...range, gateway: -1 })
    ? faults
    : [
        ...faults,
        {
          path: "gateway",
          reason: `is ${gateway}, must be an address in ${subnet}, neither its first nor its last one`,
        },
      ];
}
