import { planMove, splitDisks } from "@corral-iac/corral/core/microvm/movePlan";
import type { MovePlan } from "@corral-iac/corral/core/microvm/movePlan";
import { hostPaths } from "@corral-iac/corral/core/microvm/paths";
import {
  lookAtTargetScript,
  readTarget,
} from "@corral-iac/corral/core/microvm/scripts/arriving";
import type { TargetFacts } from "@corral-iac/corral/core/microvm/scripts/arriving";
import {
  lookAtSourceScript,
  readSource,
} from "@corral-iac/corral/core/microvm/scripts/leaving";
import type {
  Leaver,
  SourceFacts,
} from "@corral-iac/corral/core/microvm/scripts/leaving";

import type { State } from "../frame/define";
import { isOutOfReach } from "../guest/rootShell";
import type { Inputs, Outputs } from "../resources/microVmServiceFields";
import type { FoundHypervisor } from "./applyMachine";
import { HostShell } from "./hostShell";

/** How long a look may wait for what another run does there. */
const LOOK_SECONDS = 180;

/** A machine that shall be on another host. */
export interface Move {
  readonly old: State<Inputs, Outputs>;
  readonly args: Inputs;
  /** On the new host. */
  readonly found: FoundHypervisor;
}

/** What is found on both hosts, and what a move has to do then. */
export interface MoveFacts {
  readonly leaver: Leaver;
  /** Undefined: nobody answers there. */
  readonly source: SourceFacts | undefined;
  readonly target: TargetFacts;
  readonly plan: MovePlan;
  readonly from: HostShell;
  readonly to: HostShell;
}

/** What of the new inputs a look has to know: in a preview others may be unknown. */
export type MoveWanted = Pick<
  Inputs,
  "connection" | "memoryMib" | "running" | "disks"
> & { readonly networks: readonly string[] };

/** Looks at both hosts, and ends what an earlier run still does there. */
export async function lookAtMove(
  signal: AbortSignal,
  { old, args }: Pick<Move, "old" | "args">,
): Promise<MoveFacts> {
  return lookAhead(
    signal,
    old.inputs,
    { ...args, networks: args.interfaces.map(({ network }) => network) },
    true,
  );
}

/** Like {@link lookAtMove}, and changes nothing. */
export async function lookAhead(
  signal: AbortSignal,
  before: Inputs,
  wanted: MoveWanted,
  isAlone = false,
): Promise<MoveFacts> {
  const { name, stamp } = before;
  const had = splitDisks(name, before.disks, hostPaths);
  const { volumes: wants } = splitDisks(name, wanted.disks, hostPaths);
  const leaver: Leaver = {
    machine: name,
    stamp,
    // One that comes or goes with the same update is not its machine's luggage.
    volumes: had.volumes.filter((volume) => wants.includes(volume)),
  };
  const from = new HostShell(before.connection, signal);
  const to = new HostShell(wanted.connection, signal);
  const [source, target] = await Promise.all([
    from
      .run({
        what: `looking at ${name}`,
        script: lookAtSourceScript(leaver, isAlone, hostPaths),
        timeoutSeconds: LOOK_SECONDS,
      })
      .then(readSource)
      .catch((error: unknown) => {
        if (!isOutOfReach(error)) {
          throw error;
        }
        return undefined;
      }),
    to
      .run({
        what: `looking for room for ${name}`,
        script: lookAtTargetScript(
          leaver,
          [...new Set(wanted.networks)],
          isAlone,
          hostPaths,
        ),
        timeoutSeconds: LOOK_SECONDS,
      })
      .then(readTarget),
  ]);
  const plan = planMove(
    {
      machine: name,
      from: from.where,
      to: to.where,
      memoryMib: wanted.memoryMib,
      running: wanted.running,
      volumes: leaver.volumes,
      images: had.images,
    },
    source,
    target,
  );
  return { leaver, source, target, plan, from, to };
}
