import { spawn } from "node:child_process";
import { machineUnit } from "@corral-iac/corral/core/microvm/paths";
import {
  asRoot,
  withSshConfig,
} from "@corral-iac/corral/core/ssh-client/openSsh";
import { accessTo } from "@corral-iac/corral/microvm/inventory/access";
import { TYPES } from "@corral-iac/corral/microvm/inventory/handles";
import { placeOf } from "@corral-iac/corral/microvm/inventory/survey";
import { openStack } from "../engine/openStack";
import type { StackSelection } from "../engine/pulumi";
import { exportState, resourcesOf } from "../engine/state";
import { parseUrn } from "../engine/urn";
import { contextOf } from "../inventory/context";

export interface LogsOptions {
  /** How many of the last lines are shown first. */
  readonly lines: number;
  /** Whether what comes later is shown too, until it is interrupted. */
  readonly follow: boolean;
}

/**
 * The command `corral logs`: the journal of a microVM on its host, which has the guest's console and
 * all that systemd says of its unit.
 *
 * @param name the component's name.
 * @returns the exit code of ssh.
 */
export async function logs(
  selection: StackSelection,
  name: string,
  { lines, follow }: LogsOptions,
): Promise<number> {
  const { pulumi } = await openStack(selection);
  const machines = resourcesOf(await exportState(pulumi)).filter(
    ({ type }) => type === TYPES.machine,
  );
  const nameOf = (urn: string) =>
    (parseUrn(urn)?.name ?? urn).replace(/-service$/, "");
  const machine = machines.find(({ urn }) => nameOf(urn) === name);
  const place = placeOf(machine?.inputs?.connection);
  if (machine === undefined || place === undefined) {
    const known = machines.map(({ urn }) => nameOf(urn)).sort();
    throw new Error(
      `the stack has no microVM "${name}"; it has ${known.join(", ") || "none"}`,
    );
  }
  const access = await accessTo(place, contextOf(pulumi));
  const journal = [
    "journalctl",
    ...["--unit", machineUnit(machine.id ?? "")],
    ...["--lines", String(lines)],
    "--no-pager",
    ...(follow ? ["--follow"] : []),
  ].join(" ");
  return withSshConfig(access, (options) =>
    shown("ssh", [...options, "target", asRoot(access, journal)]),
  );
}

/** Runs a program whose output is this command's own. */
function shown(program: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ["ignore", "inherit", "inherit"],
    });
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}
