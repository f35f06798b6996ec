import * as fs from "node:fs";

import {
  featureFaults,
  hypervisorFeatures,
  versionProblem,
} from "@corral-iac/corral/core/microvm/features";
import { hostPaths, machineUnit } from "@corral-iac/corral/core/microvm/paths";
import type { Hypervisor } from "@corral-iac/corral/core/microvm/plan";
import { revision } from "@corral-iac/corral/core/microvm/unitFile";

import type { OperationContext } from "../frame/context";
import { defineResource } from "../frame/define";
import type { Fault, InputsToCheck, State } from "../frame/define";
import { PartialFailure } from "../frame/errors";
import { Unknown } from "../frame/value";
import { connectionFaults } from "../guest/connectionFields";
import { keptIfOutOfReach, removedOrGone } from "../guest/outOfReach";
import { withSeed } from "../guest/seedDisk";
import {
  asPartialFailure,
  HostRefusal,
  HostShell,
  TakenError,
} from "../microvm/hostShell";
import type { Answer } from "@corral-iac/corral/core/microvm/scripts/hostScript";
import {
  applyScript,
  hypervisorScript,
  lookScript,
  removeMachineScript,
} from "@corral-iac/corral/core/microvm/scripts/machineScripts";
import { documentsOf, hasSeed, hypervisorOf, planOf } from "../microvm/planOf";
import { inputs, outputs } from "./microVmServiceFields";
import type { Inputs, Outputs } from "./microVmServiceFields";

/** What a step takes beside the time that a guest is given to shut down. */
const STEP_SECONDS = 180;

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
    const found = await findHypervisor(ctx, args);
    return { id: args.name, outputs: await apply(ctx, args, found) };
  },

  preview(args, old) {
    return {
      ...(typeof args.name === "string" && {
        unitName: machineUnit(args.name),
      }),
      ...(old !== undefined &&
        args.hypervisor === old.inputs.hypervisor && {
          hypervisorPath: old.outputs.hypervisorPath,
          hypervisorVersion: old.outputs.hypervisorVersion,
          ...knownRevision(args, hypervisorOf(old.inputs, old.outputs)),
          ...(runsOn(args, old) && { startId: old.outputs.startId }),
        }),
    };
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

  async update(ctx, _id, _old, args) {
    return apply(ctx, args, await findHypervisor(ctx, args));
  },

  async delete(ctx, _id, { inputs: args }) {
    const remove = () =>
      new HostShell(args.connection, ctx.signal).run({
        what: `removing ${args.name}`,
        script: removeMachineScript(args.name, args.stamp, hostPaths),
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

/** One that is between two starts is on its way: systemd has it. */
function isRunning(answer: Answer): boolean {
  return ["active", "activating", "reloading"].includes(answer.must("state"));
}

/** What brings a device, where one command does. */
const REMEDIES: Readonly<Record<string, string>> = {
  "/dev/net/tun": ": modprobe tun",
  "/dev/vhost-vsock": ": modprobe vhost_vsock",
};

/** What the host has, and whether it will do; nothing is changed before. */
async function findHypervisor(
  ctx: OperationContext,
  args: Inputs,
): Promise<Hypervisor> {
  const shell = new HostShell(args.connection, ctx.signal);
  const answer = await shell.run({
    what: `looking for ${hypervisorFeatures[args.hypervisor].title}`,
    script: hypervisorScript(args.hypervisor),
    timeoutSeconds: STEP_SECONDS,
  });
  const version = answer.must("version");
  const devices = answer.all("device");
  const needed = [
    "/dev/net/tun",
    ...(args.acceleration === "kvm" ? ["/dev/kvm"] : []),
    ...(args.vsockCid !== undefined && args.hypervisor === "qemu"
      ? ["/dev/vhost-vsock"]
      : []),
  ];
  const problems = [
    ...needed
      .filter((device) => !devices.includes(device))
      .map((device) => `there is no ${device}${REMEDIES[device] ?? ""}`),
    ...[versionProblem(args.hypervisor, version)].filter(
      (problem) => problem !== undefined,
    ),
  ];
  if (problems.length > 0) {
    throw new HostRefusal(`${shell.where}: ${problems.join("; ")}`, false);
  }
  return { kind: args.hypervisor, version, path: answer.must("path") };
}

/** Brings the host to what is declared. Whatever goes wrong behind the first change is in the state. */
async function apply(
  ctx: OperationContext,
  args: Inputs,
  hypervisor: Hypervisor,
): Promise<Outputs> {
  const plan = planOf(args, hypervisor);
  const made: Outputs = {
    unitName: machineUnit(args.name),
    hypervisorPath: hypervisor.path,
    hypervisorVersion: hypervisor.version,
    revision: revision(plan, hostPaths),
    startId: "",
  };
  const shell = new HostShell(args.connection, ctx.signal);
  const work = (seed?: string) =>
    shell.run({
      what: `setting up ${args.name}`,
      script: applyScript(
        plan,
        {
          running: args.running,
          seedBytes: seed === undefined ? undefined : fs.statSync(seed).size,
        },
        hostPaths,
      ),
      ...(seed === undefined ? {} : { data: () => fs.createReadStream(seed) }),
      timeoutSeconds: STEP_SECONDS + args.stopTimeoutSeconds,
    });
  const answer = await (
    hasSeed(args) ? withSeed(ctx, documentsOf(args), work) : work()
  ).catch((error: unknown) => {
    throw asPartialFailure(error, args.name, made);
  });
  const failed = answer.get("failed");
  if (failed !== undefined) {
    const journal = answer.all("journal").map((line) => `  ${line}`);
    throw new PartialFailure(args.name, made, [
      [
        `${args.name} does not run on ${shell.where}: ${failed}. The end of its journal (journalctl -u ${made.unitName}):`,
        ...journal,
      ].join("\n"),
    ]);
  }
  return { ...made, startId: answer.get("start") ?? "" };
}

/** The revision that the inputs will have, where nothing of them is unknown. */
function knownRevision(
  args: InputsToCheck<Inputs>,
  hypervisor: Hypervisor,
): Partial<Outputs> {
  return isKnown(args)
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

function isKnown(args: InputsToCheck<Inputs>): args is Inputs {
  return !hasUnknown(args);
}

function hasUnknown(value: unknown): boolean {
  return (
    value instanceof Unknown ||
    (typeof value === "object" &&
      value !== null &&
      Object.values(value).some(hasUnknown))
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
