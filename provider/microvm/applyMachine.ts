import * as fs from "node:fs";

import type { MachineMemory } from "@corral-iac/corral/core/microvm/machineFaults";
import { hostPaths, machineUnit } from "@corral-iac/corral/core/microvm/paths";
import type { Hypervisor } from "@corral-iac/corral/core/microvm/plan";
import { applyScript } from "@corral-iac/corral/core/microvm/scripts/machineScripts";
import { revision } from "@corral-iac/corral/core/microvm/unitFile";

import type { OperationContext } from "../frame/context";
import { PartialFailure } from "../frame/errors";
import { withSeed } from "../guest/seedDisk";
import type { Inputs, Outputs } from "../resources/microVmServiceFields";
import { asPartialFailure, HostRefusal, HostShell } from "./hostShell";
import { cannotRun, lookForRoom } from "./lookForRoom";
import { documentsOf, hasSeed, planOf } from "./planOf";

/** What a step takes beside the time that a guest is given to shut down. */
export const STEP_SECONDS = 180;

/** What the host has, and which host it is. */
export interface FoundHypervisor {
  readonly hypervisor: Hypervisor;
  readonly hostId: string;
}

/**
 * What the host has, and whether it will do; nothing of the machine is changed before.
 *
 * @param memory what it asks of the host's memory anew.
 */
export async function findHypervisor(
  ctx: OperationContext,
  args: Inputs,
  memory: MachineMemory | undefined,
): Promise<FoundHypervisor> {
  const { where, facts, faults } = await lookForRoom(ctx, {
    ...args,
    networks: [],
    memory,
  });
  const { hypervisor, hostId } = facts;
  if (hypervisor === undefined || faults.length > 0) {
    throw new HostRefusal(cannotRun(args.name, where, faults), false);
  }
  return { hypervisor: { kind: args.hypervisor, ...hypervisor }, hostId };
}

/** What else an update of a machine has to know. */
export interface ApplyOptions {
  /** The move by which the machine comes to this host. */
  readonly move?: string | undefined;
  /** What it was before: it is stopped as that says. */
  readonly before?: Pick<Inputs, "stopTimeoutSeconds"> | undefined;
}

/** Brings the host to what is declared. Whatever goes wrong behind the first change is in the state. */
export async function applyMachine(
  ctx: Pick<OperationContext, "signal">,
  args: Inputs,
  { hypervisor, hostId }: FoundHypervisor,
  { move, before = args }: ApplyOptions = {},
): Promise<Outputs> {
  const plan = planOf(args, hypervisor);
  const made: Outputs = {
    unitName: machineUnit(args.name),
    hypervisorPath: hypervisor.path,
    hypervisorVersion: hypervisor.version,
    revision: revision(plan, hostPaths),
    startId: "",
    hostId,
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
          move,
        },
        hostPaths,
      ),
      ...(seed === undefined ? {} : { data: () => fs.createReadStream(seed) }),
      timeoutSeconds:
        STEP_SECONDS +
        Math.max(args.stopTimeoutSeconds, before.stopTimeoutSeconds),
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
