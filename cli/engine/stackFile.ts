import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import type { StackOptions } from "./runPulumi";

const FILE_FORM = /^Pulumi\.(.+)\.yaml$/;

/** A stack's own name, without the organization and project that may stand before it. */
export function stackName(stack: string): string {
  return stack.split("/").at(-1) ?? stack;
}

/** The stack's file: the one given, else where Pulumi looks for it. */
export function stackFile({ stack, cwd, configFile }: StackOptions): string {
  return configFile === undefined
    ? path.join(stackFolder(cwd), `Pulumi.${stackName(stack)}.yaml`)
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
  const project = path.join(cwd, "Pulumi.yaml");
  if (!fs.existsSync(project)) {
    throw new Error(
      `There is no Pulumi.yaml in ${path.resolve(cwd)}. Give the folder of the program by --cwd.`,
    );
  }
  const { stackConfigDir = "" } = parse(fs.readFileSync(project, "utf8")) as {
    stackConfigDir?: string;
  };
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
