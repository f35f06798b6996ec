import { show } from "@corral-iac/corral/core/faults";
import { parse } from "yaml";

/** Key of the mark in a stack's file. */
export const DEPLOYED_KEY = "corral:deployed";

/**
 * Whether a stack's file marks the stack as deployed: `corral:deployed: true` under `config`.
 *
 * @throws Error when the file is no YAML, or the mark is neither true nor false.
 */
export function isMarkedDeployed(stackFile: string): boolean {
  let document: { config?: Record<string, unknown> } | null;
  try {
    document = parse(stackFile) as typeof document;
  } catch {
    throw new Error("the stack's file is no YAML");
  }
  const mark = document?.config?.[DEPLOYED_KEY] ?? false;
  // Pulumi writes values as text.
  if (mark === true || mark === "true") {
    return true;
  }
  if (mark === false || mark === "false") {
    return false;
  }
  throw new Error(
    `${DEPLOYED_KEY} in the stack's file is ${show(mark)}, must be true or false`,
  );
}
