import { PulumiStack } from "../stack/pulumiStack";
import type { Toolchain } from "../toolchain";
import type { SshAccess } from "./copyPrograms";
import { someCidr } from "./machines";
import { measure } from "./measure";
import { Scratch } from "./scratch";
import { summarize, type Summary } from "./statistics";

/** How long a guest of the embedded lab takes. */
export interface GuestTimes {
  /** Of the whole `up`. */
  readonly up: Summary;
  /** From the start of the machine to a login over ssh. */
  readonly bootToSsh: Summary;
}

export interface GuestBenchOptions {
  readonly repository: string;
  readonly toolchain: Toolchain;
  readonly runs: number;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** What else is measured in the last of the guests. */
  readonly whileUp?: (guest: BenchGuest) => Promise<void>;
}

/** A guest that is up. */
export interface BenchGuest {
  readonly access: SshAccess;
  /** This computer's address on the guest's network. */
  readonly host: string;
}

const MACHINE = "guest";

interface Outputs {
  readonly machines: Record<typeof MACHINE, { connection: SshAccess }>;
}

/** Brings up a guest of the embedded lab, which has to be up, and destroys it. */
export async function benchGuest({
  repository,
  toolchain,
  runs,
  signal,
  log,
  whileUp,
}: GuestBenchOptions): Promise<GuestTimes> {
  const up: number[] = [];
  const bootToSsh: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const scratch = await Scratch.make();
    try {
      const { stack: name, folder } = scratch;
      const location = { program: repository, stack: name, folder };
      const stack = new PulumiStack(location, toolchain);
      await stack.ensure();
      const cidr = someCidr();
      stack.configure({ config: { "corral:fleet": guestFleet(cidr) } });
      const options = { timeoutSeconds: 600, signal };
      const flags = ["--yes", "--skip-preview"];
      try {
        const made = await measure(stack.command(["up", ...flags]), options);
        up.push(made.seconds);
        bootToSsh.push(readySeconds(made.output));
        log(
          `  guest: ready after ${bootToSsh.at(-1)} s, up took ${made.seconds.toFixed(1)} s`,
        );
        if (run === runs - 1) {
          const { machines } = await stack.outputs<Outputs>();
          const access = machines[MACHINE].connection;
          await whileUp?.({ access, host: cidr.replace(/0\/24$/, "1") });
        }
      } finally {
        // The lab's pool is not the scratch's: its disks go only this way.
        await stack.run(["destroy", ...flags]);
      }
    } finally {
      await scratch.remove();
    }
  }
  return { up: summarize(up), bootToSsh: summarize(bootToSsh) };
}

/**
 * How long the engine says that waiting for the guest took: the wait begins when the machine runs.
 *
 * @throws when the text of `up` does not say it.
 */
export function readySeconds(output: string): number {
  const found = /GuestReady \S+ created \(([\d.]+)s\)/.exec(output)?.[1];
  if (found === undefined) {
    throw new Error(
      `the output of up does not say how long its GuestReady took:\n${output}`,
    );
  }
  return Number(found);
}

function guestFleet(cidr: string): Record<string, unknown> {
  const lan = { cidr };
  return {
    hypervisors: { lab: { libvirt: { embeddedLab: true, networks: { lan } } } },
    machines: {
      [MACHINE]: {
        libvirt: {
          hypervisor: "lab",
          network: { name: "lan" },
          vcpus: 1,
          memoryMib: 512,
          shutdownTimeoutSeconds: 0,
        },
      },
    },
  };
}
