import { spawn } from "node:child_process";
import { machineUnit } from "@corral-iac/corral/core/microvm/paths";
import type { StateResource } from "@corral-iac/corral/core/inventory/lister";
import {
  asRoot,
  withSshConfig,
} from "@corral-iac/corral/core/ssh-client/openSsh";
import { accessTo } from "@corral-iac/corral/microvm/inventory/access";
import { placeOf } from "@corral-iac/corral/microvm/inventory/survey";
import type { Pulumi } from "../engine/pulumi";
import { contextOf } from "../inventory/context";
import type { LogsOptions } from "./command";

/**
 * The journal of a microVM on its host, which has the guest's console and all that systemd says of its
 * unit.
 *
 * @returns the exit code of ssh.
 */
export async function microVmLogs(
  pulumi: Pulumi,
  machine: StateResource,
  { lines, follow }: LogsOptions,
): Promise<number> {
  const place = placeOf(machine.inputs?.connection);
  if (place === undefined) {
    throw new Error("the state does not say on which host it is");
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
