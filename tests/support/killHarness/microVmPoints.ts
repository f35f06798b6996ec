import type { HostMoment } from "./hostHold";
import type { Step } from "./steps";

/**
 * What happens to a run on a host of microVMs. When the provider is killed, what it had begun on the
 * host goes on without it.
 */
export const MICROVM_FAULTS = [
  "engine killed",
  "provider killed",
  "host without power",
  "ssh cut",
] as const;

export type MicroVmFault = (typeof MICROVM_FAULTS)[number];

/** A fault at one moment of the making of a machine. */
export interface MicroVmPoint {
  readonly fault: MicroVmFault;
  readonly title: string;
  /** At the start of this step. */
  readonly step?: Step;
  /** In the middle of a call of the provider, by what it runs on the host. */
  readonly moment?: HostMoment;
}

const before = (command: string): HostMoment => ({ when: "before", command });
const after = (command: string): HostMoment => ({ when: "after", command });

/**
 * Moments of each call of the provider that changes something on the host, in their order: the first
 * trace of it is there, half of it is done, all is done and nobody has been told.
 */
const MOMENTS: Readonly<Record<string, readonly HostMoment[]>> = {
  MicroVmNetwork: [
    after("mv *.network.json.new *"),
    after("mv *-network-edge.service"),
    after("systemctl start *-network-edge.service"),
  ],
  MicroVmAddress: [before("mv */leases/*"), after("mv */leases/*")],
  MicroVmImage: [
    before("dd of=*/partial-*"),
    before("mv */partial-* *"),
    after("mv */partial-* *"),
  ],
  MicroVmVolume: [
    before("mkfs.ext4 *"),
    before("mv *.raw.partial *"),
    after("mv *.raw.partial *"),
  ],
  MicroVmService: [
    after("mv *.machine.json.new *"),
    after("useradd *"),
    after("mv *-web.service"),
    after("systemctl start *-web.service"),
  ],
};

/** The packets are dropped for 20 s each time, so this fault strikes once in each call only. */
const SSH_CUT: Readonly<Record<string, number>> = {
  MicroVmNetwork: 1,
  MicroVmAddress: 1,
  MicroVmImage: 0,
  MicroVmVolume: 1,
  MicroVmService: 3,
};

/** All points: the engine at each step's start, and every fault inside the calls. */
export function microVmPoints(steps: readonly Step[]): MicroVmPoint[] {
  const starts = steps.map((step): MicroVmPoint => ({
    fault: "engine killed",
    title: `engine killed at the start of ${step.name}`,
    step,
  }));
  const inside = MICROVM_FAULTS.flatMap((fault) =>
    Object.entries(MOMENTS).flatMap(([kind, moments]) =>
      moments
        .filter((_, index) => fault !== "ssh cut" || index === SSH_CUT[kind])
        .map((moment): MicroVmPoint => ({
          fault,
          title: `${fault} inside ${kind}, ${moment.when} ${moment.command}`,
          moment,
        })),
    ),
  );
  return [...starts, ...inside];
}
