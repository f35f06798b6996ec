import * as fs from "node:fs";
import * as path from "node:path";

/** What all files below a folder have in them, as one text in which to look for secrets. */
export function contentUnder(folder: string): string {
  return (fs.readdirSync(folder, { recursive: true }) as string[])
    .map((file) => path.join(folder, file))
    .filter((file) => fs.statSync(file).isFile())
    .map((file) => fs.readFileSync(file, "latin1"))
    .join("\n");
}
