import * as fs from "node:fs";
import * as path from "node:path";

import { ensureDebianPackages } from "../toolchain";
import { run } from "../toolchain/commands";
import { installDebian } from "./debianRoot";
import { makeDisk } from "./disk";
import { buildImage, imageFolder, imageName } from "./imageCache";
import { xzPayload } from "./kernelImage";
import type { Recipe } from "./recipe";
import { step } from "./step";

/** A guest image in the cache: all files are there, or none. */
export interface GuestImage {
  /** `<recipe>-<hash>`. */
  readonly name: string;
  readonly folder: string;
  /** Disk, qcow2. */
  readonly disk: string;
  /** bzImage. */
  readonly kernel: string;
  /** The same kernel unpacked, where it could be; else the bzImage. */
  readonly unpackedKernel: string;
  readonly initrd: string;
  readonly kernelArguments: string;
}

type Log = (line: string) => void;

/** The image of a recipe in the cache; undefined when it is not built. */
export function cachedImage(recipe: Recipe): GuestImage | undefined {
  const image = describe(recipe);
  return fs.existsSync(image.disk) ? image : undefined;
}

/** What an image has beside its packages. */
export interface ImageAddition {
  /** Works on the image's root folder after its recipe. */
  readonly furnish: (root: string, work: string) => Promise<void>;
  /** Size of the disk. */
  readonly sizeMib: number;
  /** The command that builds the image as root. */
  readonly remedy: string;
}

/** Builds the image of a recipe unless it is in the cache. About two minutes. */
export async function ensureImage(
  recipe: Recipe,
  log: Log,
  addition?: ImageAddition,
): Promise<GuestImage> {
  const cached = cachedImage(recipe);
  if (cached !== undefined) {
    return cached;
  }
  await ensureDebianPackages("image", { log });
  const remedy = addition?.remedy ?? "npm run lab -- up libvirt";
  await buildImage(recipe, remedy, async (done, work) => {
    const root = path.join(work, "root");
    await step(`Guest image: Debian packages`, "installed", log, () =>
      installDebian(recipe, root),
    );
    await customize(recipe, root);
    await addition?.furnish(root, work);
    await step(`Guest image: disk`, "made", log, () =>
      finish(root, done, work, addition?.sizeMib),
    );
  });
  return describe(recipe);
}

function describe(recipe: Recipe): GuestImage {
  const folder = imageFolder(recipe);
  const unpacked = path.join(folder, "vmlinux");
  const kernel = path.join(folder, "vmlinuz");
  return {
    name: imageName(recipe),
    folder,
    disk: path.join(folder, "guest.qcow2"),
    kernel,
    unpackedKernel: fs.existsSync(unpacked) ? unpacked : kernel,
    initrd: path.join(folder, "initrd.img"),
    kernelArguments: fs
      .readFileSync(
        path.join((recipe.base ?? recipe).folder, "kernel-arguments"),
        "utf8",
      )
      .trim(),
  };
}

/** Runs the recipe's own script, after that of its base. */
async function customize(recipe: Recipe, root: string): Promise<void> {
  for (const { folder } of [recipe.base, recipe].filter(
    (one) => one !== undefined,
  )) {
    await run("sh", [path.join(folder, "customize.sh"), root], {
      timeoutSeconds: 300,
    });
  }
}

/** Makes disk, kernel and initrd of a root folder in `done`. */
async function finish(
  root: string,
  done: string,
  work: string,
  sizeMib?: number,
): Promise<void> {
  const packages = await run("chroot", [root, "dpkg-query", "--show"], {
    timeoutSeconds: 60,
  });
  fs.writeFileSync(path.join(done, "packages.txt"), `${packages}\n`);
  for (const file of ["vmlinuz", "initrd.img"]) {
    fs.copyFileSync(path.join(root, "boot", file), path.join(done, file));
    fs.chmodSync(path.join(done, file), 0o644);
  }
  await unpackKernel(
    path.join(done, "vmlinuz"),
    path.join(done, "vmlinux"),
    work,
  );
  await makeDisk(root, path.join(done, "guest.qcow2"), work, sizeMib);
}

async function unpackKernel(
  bzImage: string,
  to: string,
  work: string,
): Promise<void> {
  const bytes = fs.readFileSync(bzImage);
  const payload = xzPayload(bytes);
  if (payload === undefined) {
    return;
  }
  // Not a plain .xz file: the kernel's build adds four bytes, hence --single-stream.
  const packed = path.join(work, "vmlinux.xz");
  fs.writeFileSync(
    packed,
    bytes.subarray(payload.offset, payload.offset + payload.length),
  );
  await run("xz", ["--decompress", "--single-stream", packed], {
    timeoutSeconds: 120,
  });
  fs.renameSync(path.join(work, "vmlinux"), to);
}
