import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { StateResource } from "@corral-iac/corral/core/inventory/lister";
import { type Pulumi, PulumiError } from "./pulumi";

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
  readonly resource: Pick<StateResource, "urn" | "type" | "inputs">;
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

/**
 * Reads the state's resources with their secrets in plain. They go through a pipe into this process'
 * memory, and nowhere else.
 */
export async function plainResources(
  pulumi: Pulumi,
): Promise<readonly StateResource[]> {
  const command = ["stack", "export", "--show-secrets"];
  const { exitCode, stdout, stderr } = await pulumi.capture(command);
  if (exitCode !== 0) {
    throw new PulumiError(command.join(" "), stderr.trim());
  }
  return (readPlain(stdout)?.resources ?? []).map(
    (resource) => unwrapped(resource) as StateResource,
  );
}

/** An error of JSON.parse itself would show a part of the text. */
function readPlain(text: string): ExportedState["deployment"] | null {
  try {
    return (JSON.parse(text) as ExportedState).deployment;
  } catch {
    throw new Error("the exported state with its secrets is no JSON");
  }
}

/** How Pulumi marks a secret in a state. */
const SECRET_KEY = "4dabf18193072939515e22adb298388d";

/** A value without the wrapping of the secrets in it. */
export function unwrapped(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(unwrapped);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const { plaintext } = value as { plaintext?: unknown };
  if (SECRET_KEY in value && typeof plaintext === "string") {
    return unwrapped(JSON.parse(plaintext));
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, unwrapped(inner)]),
  );
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
