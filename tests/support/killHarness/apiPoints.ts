import type { Step } from "./steps";

export type ApiFault = "engine killed" | "provider killed";

/** A fault at one moment of making something through an API. */
export interface ApiPoint<Change> {
  readonly fault: ApiFault;
  readonly title: string;
  /** At the start of this step. */
  readonly step?: Step;
  /** When the API has carried out this change, and nobody knows it yet. */
  readonly change?: Change;
}

/** The engine killed at each step's start and in each change; the provider in each change. */
export function apiPoints<Change>(
  steps: readonly Step[],
  changes: readonly Change[],
  nameOf: (change: Change) => string,
): ApiPoint<Change>[] {
  const inChanges = (fault: ApiFault): ApiPoint<Change>[] =>
    changes.map((change) => ({
      fault,
      title: `${fault} in ${nameOf(change)}`,
      change,
    }));
  return [
    ...steps.map((step) => ({
      fault: "engine killed" as const,
      title: `engine killed at the start of ${step.name}`,
      step,
    })),
    ...inChanges("engine killed"),
    ...inChanges("provider killed"),
  ];
}
