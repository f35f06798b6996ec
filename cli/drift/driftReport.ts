import type { Step } from "../engine/previewDigest";
import {
  propertyChanges,
  type PropertyChange,
} from "../engine/propertyChanges";
import { parseUrn, shortType } from "../engine/urn";

/** A resource that is not as the state has it. */
export interface Drift {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  /** Whether it is not there any more. */
  readonly isGone: boolean;
  /** What differs, from the state's value to the real one; empty for what is gone. */
  readonly properties: readonly PropertyChange[];
}

/** What a look at the hypervisors said. */
export interface DriftReport {
  readonly stack: string;
  /** How many resources were read. */
  readonly looked: number;
  readonly drifts: readonly Drift[];
  /** Why others could not be read. */
  readonly errors: readonly string[];
}

/** What the preview of a refresh says about drift. */
export function driftOf(steps: readonly Step[]): Drift[] {
  return steps
    .filter(({ op }) => op === "update" || op === "delete")
    .map((step) => {
      const parts = parseUrn(step.urn);
      const isGone = step.op === "delete";
      return {
        urn: step.urn,
        type: shortType(parts?.type ?? ""),
        name: parts?.name ?? step.urn,
        isGone,
        properties: isGone ? [] : propertyChanges(step, "outputs"),
      };
    });
}

/** Rows of a table: resource, what differs, what the state says, what is real. */
export function driftRows(drifts: readonly Drift[]): string[][] {
  return drifts.flatMap(({ type, name, isGone, properties }) => {
    const resource = `${type} ${name}`;
    if (isGone) {
      return [[resource, "gone from the hypervisor", "", ""]];
    }
    return properties.length === 0
      ? [[resource, "differs; Pulumi does not say in what", "", ""]]
      : properties.map(({ path, from, to }, at) => [
          at === 0 ? resource : "",
          path,
          from,
          to,
        ]);
  });
}

/** The sentence above or instead of the table. */
export function driftHeadline({
  stack,
  drifts,
  looked,
  errors,
}: DriftReport): string {
  const resources = (count: number) =>
    count === 1 ? "1 resource" : `${count} resources`;
  const are = (count: number) => (count === 1 ? "is" : "are");
  const found =
    drifts.length === 0
      ? `${resources(looked)} of stack ${stack} ${are(looked)} as the state says`
      : `${resources(drifts.length)} of stack ${stack}, out of ${looked}, ${are(drifts.length)} not as the state says`;
  const verdict =
    errors.length > 0
      ? "Not everything could be read"
      : drifts.length === 0
        ? "No drift"
        : "Drift";
  return `${verdict}: ${found}.`;
}
