import * as fs from "node:fs";
import * as path from "node:path";

import { corralHome } from "@corral-iac/corral/core/home";

import { know } from "./processes";
import type { Recipe } from "./recipe";

/** Everything that is built once from a recipe: one folder each, complete or not there at all. */
export function imagesFolder(): string {
  return path.join(corralHome(), "images");
}

/** `<recipe>-<hash>`. */
export function imageName({ name, hash }: Recipe): string {
  return `${name}-${hash}`;
}

export function imageFolder(recipe: Recipe): string {
  return path.join(imagesFolder(), imageName(recipe));
}

/**
 * Builds the folder of a recipe, in a work folder first and renamed when it is complete. Needs root.
 *
 * @param remedy the command that builds it as root.
 * @param build fills `done`; what it puts into `work` is thrown away.
 */
export async function buildImage(
  recipe: Recipe,
  remedy: string,
  build: (done: string, work: string) => Promise<void>,
): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new Error(
      `The image ${imageName(recipe)} is not built yet, and building it needs root. ` +
        `Run once: sudo --preserve-env=HOME,CORRAL_HOME,XDG_CACHE_HOME ${remedy}`,
    );
  }
  removeLeftovers();
  const folder = imageFolder(recipe);
  const work = `${folder}.build-${process.pid}`;
  fs.mkdirSync(work, { recursive: true });
  try {
    const done = path.join(work, "done");
    fs.mkdirSync(done);
    await build(done, work);
    // A folder of the same name that is not complete is not an image.
    fs.rmSync(folder, { recursive: true, force: true });
    fs.renameSync(done, folder);
    removeOldImages(recipe);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

/** Older images of the recipe go, but for the latest of them: clones of two states may alternate. */
function removeOldImages(recipe: Recipe): void {
  const old = fs
    .readdirSync(imagesFolder())
    .filter((entry) => new RegExp(`^${recipe.name}-[0-9a-f]{8}$`).test(entry))
    .map((entry) => path.join(imagesFolder(), entry))
    .filter((folder) => folder !== imageFolder(recipe))
    .sort((one, other) => age(other) - age(one));
  for (const folder of old.slice(1)) {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

const age = (folder: string) =>
  fs.statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Removes what builds left that were killed. */
function removeLeftovers(): void {
  fs.mkdirSync(imagesFolder(), { recursive: true });
  for (const entry of fs.readdirSync(imagesFolder())) {
    const pid = /\.build-(\d+)$/.exec(entry)?.[1];
    if (pid !== undefined && know("build", Number(pid)) === undefined) {
      fs.rmSync(path.join(imagesFolder(), entry), {
        recursive: true,
        force: true,
      });
    }
  }
}
