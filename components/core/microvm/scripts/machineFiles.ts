import { networkChains, networkChainsGone } from "../networkChains";
import { machinePaths, sharePaths, tapName } from "../paths";
import type { HostPaths } from "../paths";
import type { MachinePlan } from "../plan";
import { shareUnitFile } from "../sharedFolders";
import { stopScript } from "../stopScript";
import { configFile, revision, unitFile } from "../unitFile";

import { recordText } from "./hostScript";

/** A file of a machine, as it has to be. */
export interface MachineFile {
  /** For people: `the unit`. */
  readonly title: string;
  readonly path: string;
  readonly mode: string;
  readonly text: string;
}

/** All texts of a machine, the record with its stamp first. */
export function machineFiles(
  plan: MachinePlan,
  host: HostPaths,
): readonly MachineFile[] {
  const paths = machinePaths(plan.name, host);
  const config = configFile(plan, host);
  const file = (title: string, path: string, mode: string, text: string) => ({
    title,
    path,
    mode,
    text,
  });
  return [
    file("the record", paths.record, "644", machineRecord(plan, host)),
    file("the rules", paths.rules, "644", networkChains(plan)),
    file(
      "the end of the rules",
      paths.rulesGone,
      "644",
      networkChainsGone(plan),
    ),
    file("the stop script", paths.stop, "755", stopScript(plan, host)),
    ...(config === ""
      ? []
      : [file("Firecracker's configuration", paths.config, "644", config)]),
    ...(plan.shares ?? []).map((share) =>
      file(
        `the unit of the shared folder ${share.name}`,
        sharePaths(plan.name, share.name, host).unit,
        "644",
        shareUnitFile(plan, share, host),
      ),
    ),
    file("the unit", paths.unit, "644", unitFile(plan, host)),
  ];
}

/** What tells an operator, and `corral orphans`, all about the machine. */
function machineRecord(plan: MachinePlan, host: HostPaths): string {
  const { stamp, interfaces, ...declared } = plan;
  return recordText(stamp, {
    ...declared,
    interfaces: interfaces.map((nic, index) => ({
      ...nic,
      tap: tapName(plan.name, index),
    })),
    revision: revision(plan, host),
  });
}
