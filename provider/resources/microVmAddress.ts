import { hostPaths } from "@corral-iac/corral/core/microvm/paths";
import { isLeasable, leaseRange } from "@corral-iac/corral/core/microvm/subnet";
import { Type } from "@sinclair/typebox";
import type { Static } from "@sinclair/typebox";

import type { OperationContext } from "../frame/context";
import { defineResource, fields } from "../frame/define";
import type { Fault, InputsToCheck, State } from "../frame/define";
import { connectionFaults } from "../guest/connectionFields";
import { keptIfOutOfReach, removedOrGone } from "../guest/outOfReach";
import {
  hostField,
  ipv4,
  machineField,
  networkField,
  stampField,
  text,
} from "../microvm/fields";
import {
  hostChange,
  hostIdField,
  isStill,
  onHostChangeField,
} from "../microvm/hostChange";
import { HostShell } from "../microvm/hostShell";
import { removeArrivingScript } from "@corral-iac/corral/core/microvm/scripts/arriving";
import {
  freeScript,
  leaseScript,
  lookScript,
} from "@corral-iac/corral/core/microvm/scripts/leases";
import type { LeaseWish } from "@corral-iac/corral/core/microvm/scripts/leases";

const STEP_SECONDS = 150;

const inputs = fields({
  connection: hostField(),
  network: networkField(),
  subnet: text("The network's subnet, for example `10.0.0.0/24`."),
  gateway: ipv4("The host's own address in it, which no machine gets."),
  machine: machineField(),
  nic: Type.Integer({
    minimum: 0,
    maximum: 7,
    default: 0,
    replaces: true,
    description: "Which of the machine's interfaces, from 0.",
  }),
  stamp: stampField(),
  address: Type.Optional(
    ipv4("The address that is wanted. Default: the lowest free one."),
  ),
  onHostChange: onHostChangeField(),
  leased: Type.Boolean({
    default: true,
    description:
      "Leave it out: a refresh makes it false where the lease on the host is gone.",
  }),
});

const outputs = fields({
  address: Type.String({ description: "The leased address." }),
  hostId: hostIdField(),
});

type Inputs = Static<typeof inputs>;
type Outputs = Static<typeof outputs>;

/** An address of a microVM's network, leased on the host. */
export const microVmAddress = defineResource({
  token: "corral-ops:index:MicroVmAddress",
  description:
    "An address of a microVM's network: the one that is wanted, or the lowest free one, taken on the " +
    "host under a lock, so that no two machines get the same. It is kept until the resource is " +
    "deleted.",
  inputs,
  outputs,

  checks: checkAddress,

  async create(ctx, args) {
    const outputs = await lease(ctx, args, { address: args.address });
    return { id: `${args.network}/${outputs.address}`, outputs };
  },

  preview(args, old) {
    const { address, connection, network } = args;
    return address === undefined
      ? // Another host, or network, may have given it to somebody else.
        old !== undefined &&
        network === old.inputs.network &&
        isStill(old.inputs.connection, connection) &&
        isIn(old.outputs.address, args)
        ? old.outputs
        : {}
      : typeof address === "string"
        ? { address }
        : {};
  },

  async read(ctx, _id, state) {
    const { network, connection } = state.inputs;
    const { address } = state.outputs;
    return keptIfOutOfReach(ctx, state, async () => {
      const shell = new HostShell(connection, ctx.signal);
      const answer = await shell.run({
        what: `looking at the lease of ${address}`,
        script: lookScript(network, address, holderOf(state.inputs), hostPaths),
        timeoutSeconds: STEP_SECONDS,
      });
      const leased = answer.must("lease") === "ours";
      if (!leased) {
        ctx.log.warn(`${shell.where}: the lease of ${address} is gone`);
      }
      return { ...state, inputs: { ...state.inputs, leased } };
    });
  },

  // A machine keeps what it has, unless another one is asked for, or the subnet has none such any more.
  async update(ctx, _id, old, args) {
    const { address, hostId } = old.outputs;
    const from = { connection: old.inputs.connection, hostId };
    const change = await hostChange(ctx, from, args);
    const stays =
      change?.isOther !== true && args.network === old.inputs.network;
    if (stays) {
      const kept = isIn(address, args) ? address : undefined;
      return lease(ctx, args, { address: args.address ?? kept });
    }
    const made = await lease(ctx, args, {
      address: args.address,
      preferred: address,
    });
    // A machine that still has it keeps it: it is its service that goes over to the new one.
    await free(ctx, old, "");
    return made;
  },

  async delete(ctx, _id, state) {
    const { machine, stamp } = state.inputs;
    await free(ctx, state, removeArrivingScript({ machine, stamp }, hostPaths));
  },
});

/** @param before what is done on the host first. */
async function free(
  ctx: OperationContext,
  { inputs: args, outputs: { address } }: State<Inputs, Outputs>,
  before: string,
): Promise<void> {
  await removedOrGone(
    ctx,
    () =>
      new HostShell(args.connection, ctx.signal).run({
        what: `setting ${address} free`,
        script: `${before}${freeScript(args.network, address, holderOf(args), hostPaths)}`,
        timeoutSeconds: STEP_SECONDS,
      }),
    (why) =>
      `${why}. The host counts as gone: if it comes back, ${address} is still leased there.`,
  );
}

async function lease(
  ctx: OperationContext,
  args: Inputs,
  wanted: Pick<LeaseWish, "address" | "preferred">,
): Promise<Outputs> {
  const { network, subnet, gateway } = args;
  const range = leaseRange(subnet, gateway);
  if (range === undefined) {
    throw new Error(`${subnet} with the gateway ${gateway} is no network`);
  }
  const wish: LeaseWish = {
    network,
    range,
    ...wanted,
    holder: holderOf(args),
  };
  const { address } = wanted;
  const answer = await new HostShell(args.connection, ctx.signal).run({
    what: `leasing ${address ?? "an address"} for ${args.machine}`,
    script: leaseScript(wish, hostPaths),
    timeoutSeconds: STEP_SECONDS,
  });
  return { address: answer.must("address"), hostId: answer.must("host") };
}

/** Whether the address is one of the subnet's machines; not where that is not known yet. */
function isIn(
  address: string,
  { subnet, gateway }: Pick<InputsToCheck<Inputs>, "subnet" | "gateway">,
): boolean {
  const range =
    typeof subnet === "string" && typeof gateway === "string"
      ? leaseRange(subnet, gateway)
      : undefined;
  return range !== undefined && isLeasable(address, range);
}

function holderOf({ stamp, machine, nic }: Inputs) {
  return { stamp, machine, nic };
}

function checkAddress(args: InputsToCheck<Inputs>): Fault[] {
  const { subnet, gateway, address } = args;
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
  return typeof address !== "string" || isLeasable(address, range)
    ? faults
    : [
        ...faults,
        {
          path: "address",
          reason: `is ${address}, must be a machine's address in ${subnet}: neither its first nor its last one, nor the host's own ${gateway}`,
        },
      ];
}
