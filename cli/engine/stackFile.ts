import * as fs from "node:fs";
import * as path from "node:path";
import { stackBaseName } from "@corral-iac/corral/core/names";
import { readProject } from "./program";
import type { StackOptions } from "./runPulumi";

const FILE_FORM = /^Pulumi\.(.+)\.yaml$/;

/** The stack's file: the one given, else where Pulumi looks for it. */
export function stackFile({ stack, cwd, configFile }: StackOptions): string {
  return configFile === undefined
    ? path.join(stackFolder(cwd), `Pulumi.${stackBaseName(stack)}.yaml`)
    : path.resolve(cwd, configFile);
}

/** Names of the stacks that have a file beside this stack's. */
export function stacksWithFiles(options: StackOptions): string[] {
  const folder = path.dirname(stackFile(options));
  const files = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  return files.flatMap((file) => FILE_FORM.exec(file)?.[1] ?? []).sort();
}

/** The folder of stack files: `stackConfigDir` of Pulumi.yaml, else that of Pulumi.yaml. */
function stackFolder(cwd: string): string {
  const { stackConfigDir = "" } = readProject(cwd);
  return path.join(cwd, stackConfigDir);
}

/** The text of a file; undefined when there is none. */
export function readIfThere(file: string): string | undefined {
  try {
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return undefined;
    }
    throw error;
  }
}
