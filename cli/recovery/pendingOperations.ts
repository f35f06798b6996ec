import type { ExportedState, PendingOperation } from "../engine/state";
import { isListed } from "../inventory/listers";

/**
 * Pending operations whose outcome is known after an inventory without leftovers: nothing that they
 * began is there outside the state. Those of other providers' resources are none of Corral's business.
 */
export function settledOperations(state: ExportedState): PendingOperation[] {
  return (state.deployment.pending_operations ?? []).filter(({ resource }) =>
    isListed(resource),
  );
}

/** The state without the given operations, which Pulumi would warn of at every run. */
export function withoutOperations(
  state: ExportedState,
  settled: readonly PendingOperation[],
): ExportedState {
  const { pending_operations: pending = [] } = state.deployment;
  return {
    ...state,
    deployment: {
      ...state.deployment,
      pending_operations: pending.filter(
        (operation) => !settled.includes(operation),
      ),
    },
  };
}
