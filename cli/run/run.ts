import { openStack } from "../engine/openStack";
import type { StackSelection } from "../engine/pulumi";
import { recover } from "../recovery/recover";
import { destroyRefreshed } from "./destroyRefreshed";

export interface RunOptions {
  /** Asks nothing. */
  readonly yes: boolean;
  /** Further flags, handed to Pulumi as they are. */
  readonly flags: readonly string[];
}

/**
 * The command `corral up`: takes away what a run that was cut off left behind, then runs the engine
 * on this terminal.
 *
 * @returns Pulumi's exit code.
 * @throws Error when somebody else works on the stack, or when leftovers stay.
 */
export async function up(
  selection: StackSelection,
  { yes, flags }: RunOptions,
): Promise<number> {
  const stack = await openStack(selection);
  const { refresh } = await recover(stack, { yes, log: console.error });
  return stack.pulumi.onTerminal([
    "up",
    ...(yes ? ["--yes"] : []),
    ...(refresh && !flags.includes("--refresh") ? ["--refresh"] : []),
    ...flags,
  ]);
}

/**
 * The command `corral destroy`: as {@link up}, for `pulumi destroy`. Leftovers go first: afterwards
 * no state would know whose they are.
 */
export async function destroy(
  selection: StackSelection,
  { yes, flags }: RunOptions,
): Promise<number> {
  const stack = await openStack(selection);
  const { refresh } = await recover(stack, { yes, log: console.error });
  if (yes && refresh && !flags.includes("--refresh")) {
    const run = async (args: readonly string[]) => ({
      exitCode: await stack.pulumi.onTerminal(args),
    });
    return (await destroyRefreshed(run, flags, console.error)).exitCode;
  }
  return stack.pulumi.onTerminal([
    "destroy",
    ...(yes ? ["--yes"] : []),
    ...flags,
  ]);
}

/** The command `corral preview`: changes nothing, so nothing has to be taken away first. */
export async function preview(
  selection: StackSelection,
  flags: readonly string[],
): Promise<number> {
  const { pulumi } = await openStack(selection);
  return pulumi.onTerminal(["preview", ...flags]);
}
