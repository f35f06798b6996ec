/** A part of a machine's making, with its time. */
export interface Stage {
  /** Name of the component in the program. */
  readonly component: string;
  /** Its machine; empty for what all its machines share. */
  readonly machine: string;
  /** `decision`, `disks`, `start`, `agent`, `nodes` and so on. */
  readonly stage: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly seconds: number;
}

/** Times of one machine as its hypervisor has them, in milliseconds since 1970. */
export interface MachineTimes {
  /** URN of the machine's resource. */
  readonly urn: string;
  readonly spans: readonly Span[];
}

/** A stage of a machine whose component is not said. */
export interface Span {
  readonly stage: string;
  readonly start: number;
  readonly end: number;
}

/** How long a stage takes, over all machines that are made in one way. */
export interface StageSummary {
  readonly strategy: string;
  readonly stage: string;
  readonly count: number;
  readonly medianSeconds: number;
  readonly longestSeconds: number;
}
