import { featureFaults } from "@corral-iac/corral/core/microvm/features";
import { hostPaths, machineUnit } from "@corral-iac/corral/core/microvm/paths";
import type { Hypervisor } from "@corral-iac/corral/core/microvm/plan";
import type { Answer } from "@corral-iac/corral/core/microvm/scripts/hostScript";
import { lookScript } from "@corral-iac/corral/core/microvm/scripts/machineLook";
import { removeWithPartsScript } from "@corral-iac/corral/core/microvm/scripts/leaving";
import { revision } from "@corral-iac/corral/core/microvm/unitFile";

import { defineResource } from "../frame/define";
import type { Fault, InputsToCheck, State } from "../frame/define";
import { Unknown } from "../frame/value";
import { connectionFaults } from "../guest/connectionFields";
import { keptIfOutOfReach, removedOrGone } from "../guest/outOfReach";
import {
  applyMachine,
  findHypervisor,
  STEP_SECONDS,
} from "../microvm/applyMachine";
import { foreseeFaults, newMemory } from "../microvm/foreseeFaults";
import { foreseeMove } from "../microvm/foreseeMove";
import { hostChange, isKnown, sameMachine } from "../microvm/hostChange";
import { HostShell, TakenError } from "../microvm/hostShell";
import { moveMachine } from "../microvm/move";
import { hypervisorOf, planOf } from "../microvm/planOf";
import { inputs, outputs } from "./microVmServiceFields";
import type { Inputs, Outputs } from "./microVmServiceFields";

/** A microVM as a systemd service of its host. */
export const microVmService = defineResource({
  token: "corral-ops:index:MicroVmService",
  description:
    "A microVM as a systemd service of its host: its folder with the stamp, a user of its own, the " +
    "unit, the interface and the chains of nftables, running or not. A refresh compares all of it " +
    "with what is declared; an update sets it right, and restarts the machine only where the " +
    "hypervisor was started with something else.",
  deleteBeforeReplace: true,
  inputs,
  outputs,

  checks: checkService,

  async create(ctx, args) {
    const found = await findHypervisor(ctx, args, newMemory(args));
    return { id: args.name, outputs: await applyMachine(ctx, args, found) };
  },

  async foresee(ctx, args, old) {
    const moves = old !== undefined && (await foreseeMove(ctx, old, args));
    await foreseeFaults(ctx, args, old?.inputs, moves);
    return moves ? comes(args) : previewOf(args, old);
  },

  async read(ctx, _id, state) {
    const args = state.inputs;
    const plan = planOf(args, hypervisorOf(args, state.outputs));
    const shell = new HostShell(args.connection, ctx.signal);
    return keptIfOutOfReach(ctx, state, async () => {
      const answer = await shell.run({
        what: `looking at ${args.name}`,
        script: lookScript(plan, args, hostPaths),
        timeoutSeconds: STEP_SECONDS,
      });
      if (answer.get("machine") !== undefined) {
        return undefined; // Gone, or somebody else's by now.
      }
      const drift = answer.all("drift");
      drift.forEach((text) => ctx.log.warn(`${shell.where}: ${text}`));
      const running = isRunning(answer);
      return { ...state, inputs: { ...args, drift, running } };
    });
  },

  async update(ctx, _id, old, args) {
    const { connection } = old.inputs;
    const from = { connection, hostId: old.outputs.hostId };
    const change = await hostChange(ctx, from, args);
    if (change !== undefined && !change.isOther) {
      await sameMachine(ctx, args);
    }
    if (change?.isOther === true) {
      // Whether there is memory for it the move looks itself.
      const found = await findHypervisor(ctx, args, undefined);
      return moveMachine(ctx, { old, args, found });
    }
    const memory = newMemory(args, old.inputs);
    const found = await findHypervisor(ctx, args, memory);
    return applyMachine(ctx, args, found, { before: old.inputs });
  },

  async delete(ctx, _id, { inputs: args }) {
    const remove = () =>
      new HostShell(args.connection, ctx.signal).run({
        what: `removing ${args.name}`,
        script: removeWithPartsScript(
          { machine: args.name, stamp: args.stamp },
          hostPaths,
        ),
        timeoutSeconds: STEP_SECONDS + args.stopTimeoutSeconds,
      });
    try {
      await removedOrGone(
        ctx,
        remove,
        (why) =>
          `${why}. The host counts as gone: if it comes back, ${args.name} runs on there.`,
      );
    } catch (error) {
      if (!(error instanceof TakenError)) {
        throw error;
      }
      ctx.log.warn(`${error.message}: nothing was removed`);
    }
  },
});

/** What is known beforehand of one that comes to another host. */
function comes({ name }: InputsToCheck<Inputs>): Partial<Outputs> {
  return typeof name === "string" ? { unitName: machineUnit(name) } : {};
}

function previewOf(
  args: InputsToCheck<Inputs>,
  old: State<Inputs, Outputs> | undefined,
): Partial<Outputs> {
  return {
    ...comes(args),
    ...(old !== undefined &&
      args.hypervisor === old.inputs.hypervisor && {
        hypervisorPath: old.outputs.hypervisorPath,
        hypervisorVersion: old.outputs.hypervisorVersion,
        hostId: old.outputs.hostId,
        ...knownRevision(args, hypervisorOf(old.inputs, old.outputs)),
        ...(runsOn(args, old) && { startId: old.outputs.startId }),
      }),
  };
}

/** One that systemd is just starting is on its way; one that it starts again and again is not. */
function isRunning(answer: Answer): boolean {
  return ["active", "activating", "reloading"].includes(answer.must("state"));
}

/** The revision that the inputs will have, where nothing of them is unknown. */
function knownRevision(
  args: InputsToCheck<Inputs>,
  hypervisor: Hypervisor,
): Partial<Outputs> {
  return isKnown<Inputs>(args)
    ? { revision: revision(planOf(args, hypervisor), hostPaths) }
    : {};
}

/** Whether an update leaves the machine running as it is. */
function runsOn(
  args: InputsToCheck<Inputs>,
  { inputs: before, outputs: made }: State<Inputs, Outputs>,
): boolean {
  const { revision: next } = knownRevision(args, hypervisorOf(before, made));
  return (
    next === made.revision &&
    before.drift.length === 0 &&
    args.running === before.running
  );
}

function checkService(args: InputsToCheck<Inputs>): Fault[] {
  const { hypervisor, acceleration, vcpus, disks, interfaces } = args;
  const faults = connectionFaults("connection", args.connection);
  if (
    hypervisor instanceof Unknown ||
    disks instanceof Unknown ||
    interfaces instanceof Unknown
  ) {
    return faults;
  }
  const asked = featureFaults({
    hypervisor,
    acceleration: acceleration instanceof Unknown ? undefined : acceleration,
    vcpus: typeof vcpus === "number" ? vcpus : undefined,
    disks: disks.length + (args.userData === undefined ? 0 : 1),
    interfaces: interfaces.length,
    hasVsock: args.vsockCid !== undefined,
    sharedFolders: Array.isArray(args.sharedFolders)
      ? args.sharedFolders.length
      : 0,
  });
  return [
    ...faults,
    ...asked.map(({ path, problem }) => ({
      path: path === "volumes" ? "disks" : path,
      reason: problem,
    })),
  ];
}
