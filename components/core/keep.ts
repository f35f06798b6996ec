import { type StackName, stackBaseName } from "./names";

/** The one stack whose data is there to be thrown away, unless a stack's configuration says more. */
const DEVELOPMENT = "dev";

/**
 * Whether data disks that do not say it outlive their machine.
 *
 * @param configured the stack's configuration `corral:keepDataDisks`; tests set it to false.
 */
export function keepsByDefault(
  { stack }: Pick<StackName, "stack">,
  configured: boolean | undefined,
): boolean {
  return configured ?? stackBaseName(stack) !== DEVELOPMENT;
}
