import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { StateResource } from "@corral-iac/corral/core/inventory/lister";
import type { Pulumi } from "./pulumi";

/** A stack's state as Pulumi exports it, secrets encrypted, as far as Corral looks into it. */
export interface ExportedState {
  readonly version: number;
  readonly deployment: {
    readonly resources?: readonly StateResource[];
    /** What the last run had begun and never noted the end of. */
    readonly pending_operations?: readonly PendingOperation[];
    readonly [field: string]: unknown;
  };
}

/** An operation that was cut off. */
export interface PendingOperation {
  /** `creating`, `updating`, `deleting`, ... */
  readonly type: string;
  readonly resource: Pick<StateResource, "urn" | "type">;
}

/** Reads the state. @throws PulumiError when Pulumi cannot; Error when the answer is none. */
export async function exportState(pulumi: Pulumi): Promise<ExportedState> {
  const state = JSON.parse(
    await pulumi.output(["stack", "export"]),
  ) as Partial<ExportedState> | null;
  if (typeof state?.deployment !== "object") {
    throw new Error("the exported state has no deployment");
  }
  // A stack in which nothing was ever made has `null`.
  return { version: 3, ...state, deployment: state.deployment ?? {} };
}

/** The state's resources. */
export function resourcesOf(state: ExportedState): readonly StateResource[] {
  return state.deployment.resources ?? [];
}

/** Writes a changed state back. Pulumi locks the stack for that, and refuses while another run is at work. */
export async function importState(
  pulumi: Pulumi,
  state: ExportedState,
): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-state-"));
  try {
    const file = path.join(folder, "state.json");
    fs.writeFileSync(file, JSON.stringify(state), { mode: 0o600 });
    await pulumi.output(["stack", "import", "--file", file]);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
