import { field } from "../argumentRules";
import type { Span } from "../inventory/stage";
import { isText } from "../later";

/** What the API has of a machine whose times are asked for. */
export interface TimedMachine {
  readonly machine: unknown;
  readonly instance: unknown;
  readonly dataVolumes: readonly unknown[];
}

/**
 * The stages of a machine, by the times that Kubernetes notes down, most of which are whole seconds:
 * `disks` until the last DataVolume is ready, `start` until the instance runs, `agent` until its guest
 * agent answers. A machine that was started again has the times of its last start.
 */
export function machineTimes({
  machine,
  instance,
  dataVolumes,
}: TimedMachine): Span[] {
  const made = [machine, ...dataVolumes].flatMap(createdAt);
  const ready = dataVolumes.map((volume) => trueSince(volume, "Ready"));
  const [begun] = createdAt(instance);
  const running = phaseAt(instance, "Running");
  const agent = trueSince(instance, "AgentConnected");
  return [
    ...span(
      "disks",
      made.length === 0 ? undefined : Math.min(...made),
      latest(ready),
    ),
    ...span("start", begun, running),
    ...span("agent", running, agent),
  ];
}

function span(
  stage: string,
  start: number | undefined,
  end: number | undefined,
): Span[] {
  return start === undefined || end === undefined
    ? []
    : // Clocks of whole and of parts of seconds may seem to go backwards.
      [{ stage, start, end: Math.max(start, end) }];
}

/** undefined unless all are known. */
function latest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 || known.length < times.length
    ? undefined
    : Math.max(...known);
}

function createdAt(object: unknown): number[] {
  return [timeOf(field(object, "metadata", "creationTimestamp"))].flatMap(
    (time) => time ?? [],
  );
}

function phaseAt(instance: unknown, phase: string): number | undefined {
  const transition = listOf(
    field(instance, "status", "phaseTransitionTimestamps"),
  ).find((one) => field(one, "phase") === phase);
  return timeOf(field(transition, "phaseTransitionTimestamp"));
}

/** KubeVirt notes some conditions with the time of the last look only. */
function trueSince(object: unknown, type: string): number | undefined {
  const condition = listOf(field(object, "status", "conditions")).find(
    (one) => field(one, "type") === type && field(one, "status") === "True",
  );
  return (
    timeOf(field(condition, "lastTransitionTime")) ??
    timeOf(field(condition, "lastProbeTime"))
  );
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function timeOf(value: unknown): number | undefined {
  const time = isText(value) ? Date.parse(value) : NaN;
  return Number.isNaN(time) ? undefined : time;
}
