import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import type { StackSelection } from "../engine/pulumi";

/** A hypervisor as the fleet file declares it: its kind, and what stands under it. */
export interface DeclaredHypervisor {
  readonly kind: string;
  readonly declaration: unknown;
}

/**
 * The hypervisors of the stack's fleet file, where the program reads one. A state that was lost or
 * emptied speaks of none, and what was kept on purpose is still there.
 */
export function declaredHypervisors({
  cwd,
  stack,
  configFile,
}: StackSelection): DeclaredHypervisor[] {
  const name = `Pulumi.${stack?.split("/").at(-1) ?? ""}.yaml`;
  const file = [
    configFile,
    path.join(cwd, "stacks", name),
    path.join(cwd, name),
  ].find((candidate) => candidate !== undefined && fs.existsSync(candidate));
  if (file === undefined) {
    return [];
  }
  const { config } = (parse(fs.readFileSync(file, "utf8")) ?? {}) as {
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
