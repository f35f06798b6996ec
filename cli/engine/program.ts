import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import { Pulumi, type StackSelection } from "./pulumi";
import type { StackName } from "@corral-iac/corral/core/names";

const PROJECT_FILES = ["Pulumi.yaml", "Pulumi.yml"];

/** A program's Pulumi.yaml, as far as Corral looks into it. */
export interface ProjectFile {
  readonly name: string;
  readonly backend?: { readonly url?: string };
  /** Folder of the stacks' files, from that of Pulumi.yaml. */
  readonly stackConfigDir?: string;
}

/** Reads the program's Pulumi.yaml. @throws Error when there is none. */
export function readProject(cwd: string): ProjectFile {
  const file = PROJECT_FILES.map((name) => path.join(cwd, name)).find((name) =>
    fs.existsSync(name),
  );
  if (file === undefined) {
    throw new Error(
      `${path.resolve(cwd)} has no Pulumi.yaml: run corral in a program's folder, or name it by --cwd`,
    );
  }
  return parse(fs.readFileSync(file, "utf8")) as ProjectFile;
}

/** Project and stack. Asks Pulumi for its selected stack when none is named. */
export async function stackName(
  selection: StackSelection,
  project: ProjectFile,
): Promise<StackName> {
  const stack =
    selection.stack ??
    process.env.PULUMI_STACK ??
    (await new Pulumi(selection).output(["stack", "--show-name"])).trim();
  return { project: project.name, stack };
}
