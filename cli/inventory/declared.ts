import { parse } from "yaml";
import type { StackOptions } from "../engine/runPulumi";
import { readIfThere, stackFile } from "../engine/stackFile";

/** A hypervisor as the fleet file declares it: its kind, and what stands under it. */
export interface DeclaredHypervisor {
  readonly kind: string;
  readonly declaration: unknown;
}

/**
 * The hypervisors of the stack's fleet file, where the program reads one. A state that was lost or
 * emptied speaks of none, and what was kept on purpose is still there.
 */
export function declaredHypervisors(
  options: StackOptions,
): DeclaredHypervisor[] {
  const { config } = (parse(readIfThere(stackFile(options)) ?? "") ?? {}) as {
    config?: Record<string, unknown>;
  };
  const fleet = config?.["corral:fleet"] as
    { hypervisors?: Record<string, Record<string, unknown>> } | undefined;
  return Object.values(fleet?.hypervisors ?? {}).flatMap((hypervisor) =>
    Object.entries(hypervisor).map(([kind, declaration]) => ({
      kind,
      declaration,
    })),
  );
}
