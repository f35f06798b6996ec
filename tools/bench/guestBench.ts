import { PulumiStack } from "../stack/pulumiStack";
import type { Toolchain } from "../toolchain";
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
}

const MACHINE = "guest";

/** Brings up a guest of the embedded lab, which has to be up, and destroys it. */
export async function benchGuest({
  repository,
  toolchain,
  runs,
  signal,
  log,
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
      stack.configure({ config: { "corral:fleet": guestFleet() } });
      const options = { timeoutSeconds: 600, signal };
      const flags = ["--yes", "--skip-preview"];
      try {
        const made = await measure(stack.command(["up", ...flags]), options);
        up.push(made.seconds);
        bootToSsh.push(readySeconds(made.output));
        log(
          `  guest: ready after ${bootToSsh.at(-1)} s, up took ${made.seconds.toFixed(1)} s`,
        );
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

function guestFleet(): Record<string, unknown> {
  const lan = { cidr: someCidr() };
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
