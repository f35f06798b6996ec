import { backendScheme, findBackendUrl } from "../recovery/backendUrl";
import { folderOf } from "../recovery/locks/fileUrl";
import { openStackLocks } from "../recovery/locks/open";
import type { StackLocks } from "../recovery/locks/stackLocks";
import { readProject, stackName } from "./program";
import { Pulumi, type StackSelection } from "./pulumi";
import { stackBaseName, type StackName } from "@corral-iac/corral/core/names";

/** A stack that a command works on. */
export interface OpenStack {
  readonly name: StackName;
  readonly pulumi: Pulumi;
  /** undefined: a backend whose locks only it can see, like Pulumi Cloud or a bucket. */
  readonly locks: StackLocks | undefined;
  /** Folder of the state; undefined: it is not in files. */
  readonly stateFolder: string | undefined;
}

/** Finds the program, the stack and its backend. @throws Error when one of them is not there. */
export async function openStack(selection: StackSelection): Promise<OpenStack> {
  const project = readProject(selection.cwd);
  const name = await stackName(selection, project);
  const pulumi = new Pulumi({ ...selection, stack: name.stack });
  const backendUrl = await findBackendUrl({
    env: process.env,
    ...(project.backend?.url ? { projectUrl: project.backend.url } : {}),
    whoami: async () => {
      const login = await new Pulumi({ cwd: selection.cwd }).output([
        "whoami",
        "--json",
      ]);
      return (JSON.parse(login) as { url: string }).url;
    },
  });
  const locks = await openStackLocks({
    backendUrl,
    project: name.project,
    stack: stackBaseName(name.stack),
    workingFolder: selection.cwd,
  });
  const stateFolder =
    backendScheme(backendUrl) === "file"
      ? folderOf(backendUrl, selection.cwd)
      : undefined;
  return { name, pulumi, locks, stateFolder };
}
