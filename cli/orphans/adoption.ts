import type {
  AdoptedAs,
  HypervisorObject,
  StateResource,
} from "@corral-iac/corral/core/inventory/lister";
import type { ExportedState } from "../engine/state";

/** A step of `pulumi preview --json`. */
export interface PlannedStep {
  readonly op: string;
  readonly urn: string;
  readonly newState?: Readonly<Record<string, unknown>>;
}

/** How Pulumi writes a value that is not known yet, and one that is not shown. */
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const HIDDEN = "[secret]";

/** What cannot be adopted, and why. */
export class NotAdoptable extends Error {
  override readonly name = "NotAdoptable";
}

/**
 * Finds the step that would make the very object that is there already.
 *
 * @returns undefined when the program would not make it, or does not know all of it yet: adopting
 *   something else first may tell it.
 * @throws NotAdoptable when it never can be.
 */
export function plannedFor(
  object: HypervisorObject,
  as: AdoptedAs,
  steps: readonly PlannedStep[],
): PlannedStep | undefined {
  const step = steps.find(
    ({ op, newState }) =>
      op === "create" &&
      newState?.type === as.type &&
      (newState.inputs as { name?: unknown } | undefined)?.name === object.name,
  );
  const text = JSON.stringify(step?.newState?.inputs ?? {});
  if (text.includes(HIDDEN)) {
    throw new NotAdoptable(
      `${object.kind} ${object.name} is made from secrets, which a preview does not show: remove it instead`,
    );
  }
  return text.includes(UNKNOWN) ? undefined : step;
}

/** The state with the object in it, as if the planned step had made it. */
export function withAdopted(
  state: ExportedState,
  step: PlannedStep,
  as: AdoptedAs,
): ExportedState {
  const { resources = [], pending_operations: pending = [] } = state.deployment;
  const inputs = step.newState?.inputs as Readonly<Record<string, unknown>>;
  const adopted = {
    ...(step.newState as unknown as StateResource),
    id: as.id,
    // What it really is, the provider says at the refresh that follows.
    outputs: { ...inputs, ...as.outputs },
  };
  return {
    ...state,
    deployment: {
      ...state.deployment,
      resources: [...resources, adopted],
      pending_operations: pending.filter(
        ({ resource }) => resource.urn !== step.urn,
      ),
    },
  };
}
