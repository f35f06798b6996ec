import { field } from "../argumentRules";
import { isText } from "../later";
import { diskProgress } from "./disks";

/** What the API has of a machine that does not get ready. */
export interface MachineSight {
  readonly machine: unknown;
  readonly instance: unknown;
  readonly events: readonly unknown[];
  /** The DataVolumes of its disks, as far as they are there. */
  readonly dataVolumes?: readonly unknown[];
}

const SHOWN_EVENTS = 5;

/** How far a machine has come. */
export type MachineStage =
  /** No instance runs. */
  | "starting"
  /** The instance runs. */
  | "running"
  /** ... and its guest agent answers. */
  | "agent"
  /** It will not get further by itself. */
  | "failed";

/** Judges a VirtualMachine and its instance. */
export function machineStage({
  machine,
  instance,
}: MachineSight): MachineStage {
  const failure = condition(machine, "Failure");
  if (
    failure !== undefined &&
    field(failure, "status") === "True" &&
    field(instance, "status", "phase") === undefined
  ) {
    return "failed";
  }
  if (
    !isObserved(machine) ||
    field(instance, "status", "phase") !== "Running" ||
    field(condition(instance, "Ready"), "status") !== "True"
  ) {
    return "starting";
  }
  return field(condition(instance, "AgentConnected"), "status") === "True"
    ? "agent"
    : "running";
}

/** Whether KubeVirt has seen the machine as it is declared now: its status may be of before. */
export function isObserved(machine: unknown): boolean {
  const { desiredGeneration, observedGeneration } = (field(machine, "status") ??
    {}) as Record<string, unknown>;
  return desiredGeneration === observedGeneration;
}

/** The machine's address in the pod network; empty when it has none. */
export function machineAddress(instance: unknown): string {
  const interfaces = field(instance, "status", "interfaces");
  const first: unknown = Array.isArray(interfaces) ? interfaces[0] : undefined;
  return text(field(first, "ipAddress"));
}

/** Why a machine is where it is: printableStatus, conditions that say no, disks that have not come, the last events. */
export function explainMachine(sight: MachineSight): string[] {
  const { machine, instance, events, dataVolumes = [] } = sight;
  if (machine === undefined) {
    return ["the VirtualMachine is not there"];
  }
  const status = text(field(machine, "status", "printableStatus"));
  const phase = text(field(instance, "status", "phase"));
  return [
    `status ${status || "unknown"}${phase === "" ? "" : `, instance ${phase}`}`,
    ...[...conditions(machine), ...conditions(instance)].flatMap(
      describeCondition,
    ),
    ...dataVolumes.flatMap(describeDisk),
    ...lastEvents(events),
  ].filter((line, index, lines) => lines.indexOf(line) === index);
}

/** A disk that has not come, and why. */
function describeDisk(dataVolume: unknown): string[] {
  const { state, why } = diskProgress(dataVolume);
  return state === "come"
    ? []
    : [`disk ${text(field(dataVolume, "metadata", "name"))}: ${why}`];
}

/** Conditions that are good when they are false; of all others false is bad. */
const BAD_WHEN_TRUE = new Set(["Failure", "Paused", "RestartRequired"]);

function describeCondition(one: unknown): string[] {
  const type = text(field(one, "type"));
  const isTrue = field(one, "status") === "True";
  const words = [field(one, "reason"), field(one, "message")]
    .filter((part) => isText(part) && part !== "")
    .join(": ");
  return words === "" || isTrue !== BAD_WHEN_TRUE.has(type)
    ? []
    : [`${type} ${isTrue ? "is true" : "is false"}: ${words}`];
}

function lastEvents(events: readonly unknown[]): string[] {
  return [...events]
    .sort((one, other) => (timeOf(one) < timeOf(other) ? -1 : 1))
    .slice(-SHOWN_EVENTS)
    .map((event) => {
      const count = field(event, "count");
      const times =
        typeof count === "number" && count > 1 ? ` (${count} times)` : "";
      return `${text(field(event, "reason"))}: ${text(field(event, "message"))}${times}`;
    });
}

function timeOf(event: unknown): string {
  return text(
    field(event, "lastTimestamp") ??
      field(event, "eventTime") ??
      field(event, "metadata", "creationTimestamp"),
  );
}

function condition(object: unknown, type: string): unknown {
  return conditions(object).find((one) => field(one, "type") === type);
}

function conditions(object: unknown): unknown[] {
  const value = field(object, "status", "conditions");
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return isText(value) ? value : "";
}
