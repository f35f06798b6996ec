import * as fs from "node:fs";
import * as path from "node:path";

const FOLDER = path.resolve(__dirname, "../../../unit/gate/recorded");

/** What the real Pulumi command printed; how it was recorded stands in the folder's README.md. */
export function recorded(name: string): string {
  return fs.readFileSync(path.join(FOLDER, `${name}.json`), "utf8");
}

export function recordedJson(name: string): unknown {
  return JSON.parse(recorded(name));
}
