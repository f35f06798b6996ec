import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

/** Counts changes of the code that turns a recipe into an image. */
const builderVersion = 1;

/** A guest image by its recipe: a folder of files, whose contents are the key of the cache. */
export interface Recipe {
  readonly name: string;
  readonly folder: string;
  /** Eight hexadecimal digits that change with any file of the recipe, or of its base. */
  readonly hash: string;
  /** The recipe that it adds to: named in its file `base`. */
  readonly base?: Recipe;
}

/** Compiled to tools/bin/lab; the recipes stay where they are. */
const recipes = path.resolve(__dirname, "../../lab/recipes");

export function readRecipe(name: string): Recipe {
  const folder = path.join(recipes, name);
  const files = (
    fs.readdirSync(folder, { recursive: true }) as string[]
  ).filter((file) => fs.statSync(path.join(folder, file)).isFile());
  const contents = new Map(
    files.map((file) => [file, fs.readFileSync(path.join(folder, file))]),
  );
  const baseName = contents.get("base")?.toString().trim();
  if (baseName === undefined) {
    return { name, folder, hash: recipeHash(contents) };
  }
  const base = readRecipe(baseName);
  contents.set("base", Buffer.from(`${base.name}-${base.hash}`));
  return { name, folder, hash: recipeHash(contents), base };
}

/** The key of a set of files: their names and contents, in no particular order. */
export function recipeHash(
  files: ReadonlyMap<string, Uint8Array | string>,
): string {
  const hash = createHash("sha256").update(`builder ${builderVersion}\n`);
  for (const name of [...files.keys()].sort()) {
    const content = files.get(name) ?? "";
    hash.update(`${name}\0${Buffer.byteLength(content)}\0`).update(content);
  }
  return hash.digest("hex").slice(0, 8);
}

/** The entries of a list file: one a line, `#` begins a comment. */
export function listEntries(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "");
}
