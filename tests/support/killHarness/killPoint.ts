import type { EngineRun } from "./engineRun";
import { madeObject, servedBy, type Step } from "./steps";
import type { Subject } from "./subject";
import {
  stepEnded,
  type Watch,
  whenFileAppears,
  whenStepStarts,
} from "./watch";

/** What happens to a run. */
export type Fault =
  | "engine killed"
  | "provider killed"
  | "bridge killed"
  | "daemon restarted"
  | "disk full"
  | "daemon gone";

export const FAULTS: readonly Fault[] = [
  "engine killed",
  "provider killed",
  "bridge killed",
  "daemon restarted",
  "disk full",
  "daemon gone",
];

/** How long the daemon is gone: the fault itself, so measured by the clock. */
const GONE_SECONDS = 20;

/** A fault at one moment of one step. */
export interface KillPoint {
  readonly fault: Fault;
  readonly step: Step;
  /** At the step's start, or when what it makes has just appeared on the hypervisor. */
  readonly where: "start" | "inside";
}

export function titleOf({ fault, step, where }: KillPoint): string {
  const place = where === "start" ? "at the start of" : "inside";
  return `${fault} ${place} ${step.type} ${step.name}`;
}

/**
 * All kill points of a fault: the start of each step that it can hit, and once inside each provider
 * call that makes something on the hypervisor.
 */
export function killPoints(
  fault: Fault,
  steps: readonly Step[],
  prefix: string,
): KillPoint[] {
  return steps
    .filter((step) => canHit(fault, step))
    .flatMap((step) => [
      { fault, step, where: "start" as const },
      ...(madeObject(step, prefix) === undefined
        ? []
        : [{ fault, step, where: "inside" as const }]),
    ]);
}

/** A provider can only be killed in steps that it serves; the bridge serves those of libvirt. */
function canHit(fault: Fault, step: Step): boolean {
  switch (fault) {
    case "provider killed":
      return servedBy(step) !== "none";
    case "bridge killed":
      return servedBy(step) === "libvirt";
    default:
      return true;
  }
}

/** A fault on its way. */
export interface Strike {
  /** True once the fault has struck, false when the run ended before. */
  readonly struck: Promise<boolean>;
  /** To be called after the run's end: takes the fault back, where it can be. */
  finish(): Promise<void>;
}

/** Waits for the moment of a kill point in a run and strikes then. */
export function strikeAt(
  point: KillPoint,
  run: EngineRun,
  subject: Subject,
): Strike {
  const { step, where } = point;
  const fault = faultOf(point, run, subject);
  const watches: Watch[] = [];
  const object = madeObject(step, subject.prefix);
  const started = whenStepStarts(run.eventLog, step.urn, () => {
    if (where === "start" || object === undefined) {
      fault.begin();
    } else {
      watches.push(
        whenFileAppears(subject.folderOf(object), object.file, fault.begin),
      );
    }
  });
  watches.push(started);
  const struck = started.came.then((came) =>
    came && where === "inside" ? (watches.at(-1)?.came ?? false) : came,
  );
  return {
    struck,
    finish: async () => {
      watches.forEach((watch) => watch.close());
      await fault.end();
    },
  };
}

/** Whether the engine had not noted the end of the step when the fault struck. */
export function wasCutOff(point: KillPoint, run: EngineRun): boolean {
  return !stepEnded(run.eventLog, point.step.urn);
}

interface FaultActions {
  /** Strikes; what has to be at once is done when it returns. */
  begin(): void;
  /** Takes the fault back. */
  end(): Promise<void>;
}

function faultOf(
  { fault, step }: KillPoint,
  run: EngineRun,
  { libvirt }: Subject,
): FaultActions {
  const nothing = () => Promise.resolve();
  // The daemon stands still meanwhile, or it would be done with the call before the fault is there.
  const frozen = (strike: () => void) => () => {
    libvirt.freezeDaemon();
    strike();
    libvirt.thawDaemon();
  };
  switch (fault) {
    case "engine killed":
      return { begin: frozen(() => run.kill()), end: nothing };
    case "provider killed":
    case "bridge killed": {
      const program = programOf(fault, step);
      return { begin: frozen(() => run.killPlugins(program)), end: nothing };
    }
    case "disk full":
      return {
        begin: frozen(() => libvirt.fillDisk()),
        end: () => Promise.resolve(libvirt.emptyDisk()),
      };
    case "daemon restarted": {
      let done: Promise<void> = Promise.resolve();
      return {
        begin: () => {
          done = libvirt.restartDaemon();
        },
        end: () => done,
      };
    }
    case "daemon gone": {
      let done: Promise<void> = Promise.resolve();
      return {
        begin: () => {
          done = libvirt.daemonGone(GONE_SECONDS);
        },
        end: () => done,
      };
    }
  }
}

/** The process that a step's call ends in, or the one between it and the engine. */
function programOf(fault: Fault, step: Step): RegExp {
  if (servedBy(step) === "corral-ops") {
    return /^node pulumi-resource-corral-ops$/;
  }
  return fault === "bridge killed"
    ? /^pulumi-resource-terraform-provider$/
    : /^terraform-provider-libvirt/;
}
