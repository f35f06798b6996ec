import * as path from "node:path";
import type { Toolchain } from "../toolchain";
import { someCidr } from "./machines";
import { OPERATIONS, type Operation } from "./operations";
import { HungError, measure, type Measurement } from "./measure";
import type { Cycle, Hang } from "./results";
import { Scratch } from "./scratch";
import { corralSide, emptySide, type Side, terraformSide } from "./sides";

export interface MachineBenchOptions {
  readonly repository: string;
  readonly toolchain: Toolchain;
  /** The `terraform` command; undefined leaves it out. */
  readonly terraform: string | undefined;
  /** The libvirt provider's binary, which Corral uses, for `terraform` too. */
  readonly provider: string;
  /** How many machines, and how often they are measured. */
  readonly rounds: readonly { machines: number; runs: number }[];
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** One side with so many machines. */
interface Contender {
  readonly machines: number | undefined;
  /** Makes the side ready in a scratch of its own. */
  readonly prepare: (scratch: Scratch) => Promise<Side>;
}

/**
 * Makes, previews, updates and destroys machines on each side. The sides take turns, so that what
 * else the computer does falls on all of them alike.
 */
export async function benchMachines(
  options: MachineBenchOptions,
): Promise<{ cycles: Cycle[]; hangs: Hang[] }> {
  const cycles: Cycle[] = [];
  const hangs: Hang[] = [];
  const most = Math.max(...options.rounds.map(({ runs }) => runs));
  for (let run = 1; run <= most; run += 1) {
    const due = options.rounds.filter(({ runs }) => run <= runs);
    const contenders = [
      emptyProgram(options),
      ...due.flatMap(({ machines }) => bothSides(options, machines)),
    ];
    for (const contender of contenders) {
      const { cycle, hang } = await runCycle(contender, options);
      cycles.push(cycle);
      hangs.push(...(hang ? [hang] : []));
    }
  }
  return { cycles, hangs };
}

function emptyProgram({
  repository,
  toolchain,
}: MachineBenchOptions): Contender {
  return {
    machines: undefined,
    prepare: ({ folder }) => emptySide(repository, folder, toolchain),
  };
}

function bothSides(
  { repository, toolchain, terraform, provider }: MachineBenchOptions,
  machines: number,
): Contender[] {
  const setOf = ({ stack, pool }: Scratch) => ({
    ...{ stack, pool, count: machines },
    cidr: someCidr(),
  });
  const corral: Contender = {
    machines,
    prepare: (scratch) =>
      corralSide(repository, scratch.folder, setOf(scratch), toolchain),
  };
  if (terraform === undefined) {
    return [corral];
  }
  const other: Contender = {
    machines,
    prepare: (scratch) =>
      Promise.resolve(
        terraformSide(
          terraform,
          scratch.folder,
          setOf(scratch),
          path.dirname(provider),
        ),
      ),
  };
  return [corral, other];
}

/** One run of a side, from nothing to nothing; ends early when a command hangs. */
async function runCycle(
  { machines, prepare }: Contender,
  { signal, log }: MachineBenchOptions,
): Promise<{ cycle: Cycle; hang?: Hang }> {
  signal.throwIfAborted();
  const scratch = await Scratch.make();
  try {
    const { name: side, commands } = await prepare(scratch);
    const title = side + (machines ? `, machines: ${machines}` : "");
    const timeoutSeconds = 60 + 8 * (machines ?? 0);
    const measurements: Partial<Record<Operation, Measurement>> = {};
    const cycle = { side, machines, measurements };
    for (const operation of OPERATIONS) {
      try {
        const options = { timeoutSeconds, signal };
        const measured = await measure(commands[operation], options);
        measurements[operation] = measured;
        log(`  ${title}: ${operation} ${inShort(measured)}`);
      } catch (error) {
        // The provider may hang: see docs/benchmarks.md.
        if (!(error instanceof HungError)) {
          throw error;
        }
        log(`  ${title}: ${operation}: ${error.message}`);
        return { cycle, hang: { side, machines, what: error.message } };
      }
    }
    return { cycle };
  } finally {
    await scratch.remove();
  }
}

function inShort({ seconds, peakMib, survivors }: Measurement): string {
  const left = survivors.length > 0 ? `, ${survivors.length} left over` : "";
  return `${seconds.toFixed(1)} s, ${peakMib.toFixed(0)} MiB${left}`;
}
