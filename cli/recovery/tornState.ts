import * as fs from "node:fs";
import * as path from "node:path";
import { stackBaseName, type StackName } from "@corral-iac/corral/core/names";

/** A state's file may be packed. */
const STATE_FILE_ENDS = [".json", ".json.gz", ".json.zst"];

/**
 * Mends the state of a stack in a file backend after its engine was killed in the middle of writing
 * it. The state itself is replaced whole; the small file of attributes beside it (`*.attrs`, by
 * Go's fileblob) is not, and a cut-off one lets every command of Pulumi fail by
 * `failed to load checkpoint: EOF`. It says nothing that is needed: without it the state is read.
 *
 * @param folder of the file backend.
 * @returns the files that were removed.
 */
export function mendTornState(
  folder: string,
  { project, stack }: StackName,
): string[] {
  const name = stackBaseName(stack);
  const stacks = path.join(folder, ".pulumi", "stacks");
  const files = [path.join(stacks, project, name), path.join(stacks, name)]
    .flatMap((file) => STATE_FILE_ENDS.map((end) => `${file}${end}.attrs`))
    .filter(isTorn);
  files.forEach((file) => fs.rmSync(file, { force: true }));
  return files;
}

function isTorn(attributes: string): boolean {
  let text: string;
  try {
    text = fs.readFileSync(attributes, "utf8");
  } catch {
    return false;
  }
  try {
    JSON.parse(text);
    return false;
  } catch {
    return true;
  }
}
