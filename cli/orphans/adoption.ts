import type {
  AdoptedAs,
  HypervisorObject,
  StateResource,
} from "@corral-iac/corral/core/inventory/lister";
import { SECRET, type Step, UNKNOWN } from "../engine/previewDigest";
import type { ExportedState } from "../engine/state";

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
  steps: readonly Step[],
): Step | undefined {
  const step = steps.find(
    ({ op, newState }) =>
      op === "create" &&
      newState?.type === as.type &&
      newState.inputs?.name === object.name,
  );
  const text = JSON.stringify(step?.newState?.inputs ?? {});
  if (text.includes(SECRET)) {
    throw new NotAdoptable(
      `${object.kind} ${object.name} is made from secrets, which a preview does not show: remove it instead`,
    );
  }
  return text.includes(UNKNOWN) ? undefined : step;
}

/** The state with the object in it, as if the planned step had made it. */
export function withAdopted(
  state: ExportedState,
  step: Step,
  as: AdoptedAs,
): ExportedState {
  const { resources = [], pending_operations: pending = [] } = state.deployment;
  const { newState } = step;
  if (newState === undefined) {
    throw new Error(`the preview does not say what ${step.urn} would be`);
  }
  const adopted: StateResource = {
    ...newState,
    id: as.id,
    // What it really is, the provider says at the refresh that follows.
    outputs: { ...newState.inputs, ...as.outputs },
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
