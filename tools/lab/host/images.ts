import * as fs from "node:fs";
import * as path from "node:path";

import { corralHome } from "@corral-iac/corral/core/home";

import { ensureDebianPackages } from "../../toolchain";
import { run } from "../../toolchain/commands";
import { withLock } from "../../toolchain/lock";
import { installDebian } from "../debianRoot";
import { buildImage, imageFolder } from "../imageCache";
import { readRecipe, type Recipe } from "../recipe";
import { step } from "../step";

type Log = (line: string) => void;

/** A guest that is up in seconds without KVM: a kernel and an initramfs with a shell and an ssh server. */
export interface TinyGuest {
  /** bzImage. */
  readonly kernel: string;
  readonly initrd: string;
  /** What its kernel needs to be told to start on QEMU's machine `microvm` without KVM. */
  readonly kernelArguments: string;
}

const REMEDY = "npm run lab -- up host";

/** The root folder of the lab's systemd host, built unless it is in the cache. About a minute. */
export async function ensureHostRoot(log: Log): Promise<string> {
  const recipe = readRecipe("host");
  const root = path.join(imageFolder(recipe), "root");
  await ensure(recipe, root, log, async (done) => {
    const inside = path.join(done, "root");
    await installDebian(recipe, inside);
    await run("sh", [path.join(recipe.folder, "customize.sh"), inside], {
      timeoutSeconds: 300,
    });
  });
  return root;
}

/** The tiny guest, put together unless it is in the cache. About ten seconds. */
export async function ensureTinyGuest(
  log: Log = console.log,
): Promise<TinyGuest> {
  const recipe = readRecipe("tiny-guest");
  const folder = imageFolder(recipe);
  const initrd = path.join(folder, "initrd.img");
  await ensure(recipe, initrd, log, async (done, work) => {
    const root = path.join(work, "root");
    await installDebian(recipe, root, "extract");
    await run("sh", [path.join(recipe.folder, "assemble.sh"), root, done], {
      timeoutSeconds: 120,
    });
  });
  return {
    kernel: path.join(folder, "vmlinuz"),
    initrd,
    kernelArguments: fs
      .readFileSync(path.join(folder, "kernel-arguments"), "utf8")
      .trim(),
  };
}

/** @param shows a file of the image by which it is seen to be there. */
async function ensure(
  recipe: Recipe,
  shows: string,
  log: Log,
  build: (done: string, work: string) => Promise<void>,
): Promise<void> {
  if (fs.existsSync(shows)) {
    return;
  }
  await ensureDebianPackages("image", { log });
  const lock = path.join(corralHome(), `${recipe.name}.lock`);
  await withLock(lock, async () => {
    if (!fs.existsSync(shows)) {
      await step(`Image ${recipe.name}`, "built", log, () =>
        buildImage(recipe, REMEDY, build),
      );
    }
  });
}
