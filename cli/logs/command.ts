import type {
  Lister,
  Reference,
} from "@corral-iac/corral/core/inventory/lister";
import { TYPES as KUBEVIRT } from "@corral-iac/corral/kubevirt/inventory/kinds";
import { TYPES as MICRO_VM } from "@corral-iac/corral/microvm/inventory/handles";
import { openStack } from "../engine/openStack";
import type { StackSelection } from "../engine/pulumi";
import { exportState, resourcesOf } from "../engine/state";
import { parseUrn } from "../engine/urn";
import { contextOf } from "../inventory/context";
import { listersFor } from "../inventory/listers";
import { microVmLogs } from "./microVm";

export interface LogsOptions {
  /** How many of the last lines are shown first. */
  readonly lines: number;
  /** Whether what comes later is shown too, until it is interrupted. */
  readonly follow: boolean;
}

/** Types of machines that have a log. */
const TYPES: readonly string[] = [MICRO_VM.machine, KUBEVIRT.machine];

/**
 * The command `corral logs`: what a machine says. Of a microVM the journal on its host, of a machine of
 * KubeVirt the log of its console.
 *
 * @param name as `corral status` has it.
 * @returns the exit code.
 */
export async function logs(
  selection: StackSelection,
  name: string,
  options: LogsOptions,
): Promise<number> {
  const { pulumi } = await openStack(selection);
  const resources = resourcesOf(await exportState(pulumi));
  const machines = resources.filter(({ type }) => TYPES.includes(type));
  const machine = machines.find(({ urn }) => nameOf(urn) === name);
  if (machine === undefined) {
    const known = machines.map(({ urn }) => nameOf(urn)).sort();
    throw new Error(
      `the stack has no microVM or KubeVirt machine "${name}"; it has ${known.join(", ") || "none"}`,
    );
  }
  if (machine.type === MICRO_VM.machine) {
    return microVmLogs(pulumi, machine, options);
  }
  const listers = await listersFor(resources, [], contextOf(pulumi));
  for (const lister of listers) {
    const reference = lister
      .survey(resources)
      .references.find(({ urn }) => urn === machine.urn);
    if (reference !== undefined && lister.console !== undefined) {
      await show(lister, reference, options);
      return 0;
    }
  }
  throw new Error(`the state does not say in which cluster ${name} is`);
}

async function show(
  lister: Lister,
  { place, handle }: Reference,
  options: LogsOptions,
): Promise<void> {
  const stop = new AbortController();
  const interrupted = () => stop.abort();
  process.once("SIGINT", interrupted);
  try {
    await lister.console?.(place, handle, {
      ...options,
      write: (text) => process.stdout.write(text),
      signal: stop.signal,
    });
  } catch (error) {
    if (!stop.signal.aborted) {
      throw error;
    }
  } finally {
    process.off("SIGINT", interrupted);
  }
}

/** The machine's own resource is called `NAME-service` or `NAME-vm`. */
function nameOf(urn: string): string {
  return (parseUrn(urn)?.name ?? urn).replace(/-(service|vm)$/, "");
}
