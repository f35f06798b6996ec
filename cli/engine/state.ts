import type { StateResource } from "@corral-iac/corral/core/inventory/lister";
import { Pulumi } from "./pulumi";

/** A stack's state as Pulumi exports it, secrets encrypted, as far as Corral looks into it. */
export interface StackState {
  readonly resources: readonly StateResource[];
  /** What the last run had begun and never noted the end of. */
  readonly pending: readonly PendingOperation[];
}

/** An operation that was cut off. */
export interface PendingOperation {
  /** `creating`, `updating`, `deleting`, ... */
  readonly type: string;
  readonly urn: string;
}

/** Reads the state. @throws PulumiError when Pulumi cannot; Error when the answer is none. */
export async function readState(pulumi: Pulumi): Promise<StackState> {
  return parseState(await pulumi.output(["stack", "export"]));
}

/** @throws Error when the text is no exported state. */
export function parseState(text: string): StackState {
  const state = JSON.parse(text) as {
    deployment?: {
      resources?: StateResource[];
      pending_operations?: { type: string; resource: { urn: string } }[];
    } | null;
  };
  if (typeof state !== "object" || state === null || !("deployment" in state)) {
    throw new Error("the exported state has no deployment");
  }
  return {
    resources: state.deployment?.resources ?? [],
    pending: (state.deployment?.pending_operations ?? []).map(
      ({ type, resource: { urn } }) => ({ type, urn }),
    ),
  };
}
