import * as fs from "node:fs";
import * as path from "node:path";

import { corralHome } from "@corral-iac/corral/core/home";

import { ensureDebianPackages } from "../toolchain";
import { run } from "../toolchain/commands";
import { stepLine } from "../toolchain/report";
import {
  indexTargetsFormat,
  passedOnSettings,
  sourceLines,
} from "./debianMirror";
import { makeDisk } from "./disk";
import { xzPayload } from "./kernelImage";
import { know } from "./processes";
import { listEntries, type Recipe } from "./recipe";

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

export function imagesFolder(): string {
  return path.join(corralHome(), "images");
}

/** The image of a recipe in the cache; undefined when it is not built. */
export function cachedImage(recipe: Recipe): GuestImage | undefined {
  const image = describe(recipe);
  return fs.existsSync(image.disk) ? image : undefined;
}

/** Builds the image of a recipe unless it is in the cache. About two minutes. */
export async function ensureImage(
  recipe: Recipe,
  log: Log,
): Promise<GuestImage> {
  const cached = cachedImage(recipe);
  if (cached !== undefined) {
    return cached;
  }
  if (process.getuid?.() !== 0) {
    throw new Error(
      `The guest image ${describe(recipe).name} is not built yet, and building it needs root. ` +
        "Run once: sudo --preserve-env=HOME,CORRAL_HOME,XDG_CACHE_HOME npm run lab -- up libvirt",
    );
  }
  await ensureDebianPackages("image", { log });
  removeLeftovers();
  const { folder } = describe(recipe);
  const work = `${folder}.build-${process.pid}`;
  fs.mkdirSync(work, { recursive: true });
  try {
    const done = path.join(work, "done");
    fs.mkdirSync(done);
    const root = path.join(work, "root");
    await step(`Guest image: Debian packages`, "installed", log, () =>
      installRoot(recipe, root),
    );
    await step(`Guest image: disk`, "made", log, () =>
      finish(recipe, root, done, work),
    );
    // A folder of the same name without a disk is not an image.
    fs.rmSync(folder, { recursive: true, force: true });
    fs.renameSync(done, folder);
    removeOldImages(recipe);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
  return describe(recipe);
}

function describe(recipe: Recipe): GuestImage {
  const name = `${recipe.name}-${recipe.hash}`;
  const folder = path.join(imagesFolder(), name);
  const unpacked = path.join(folder, "vmlinux");
  const kernel = path.join(folder, "vmlinuz");
  return {
    name,
    folder,
    disk: path.join(folder, "guest.qcow2"),
    kernel,
    unpackedKernel: fs.existsSync(unpacked) ? unpacked : kernel,
    initrd: path.join(folder, "initrd.img"),
    kernelArguments: fs
      .readFileSync(path.join(recipe.folder, "kernel-arguments"), "utf8")
      .trim(),
  };
}

/** Installs the recipe's packages into a folder, from where this machine's apt gets Debian. */
async function installRoot(recipe: Recipe, root: string): Promise<void> {
  const quick = { timeoutSeconds: 60 };
  const targets = await run(
    "apt-get",
    ["indextargets", "--format", indexTargetsFormat, "Created-By: Packages"],
    quick,
  ).catch(() => "");
  const settings = passedOnSettings(
    await run("apt-config", ["dump"], quick).catch(() => ""),
  );
  const packages = listEntries(
    fs.readFileSync(path.join(recipe.folder, "packages"), "utf8"),
  );
  await run(
    "mmdebstrap",
    [
      ...["--mode=root", "--variant=minbase", "--format=directory"],
      `--dpkgopt=${path.join(recipe.folder, "dpkg.cfg")}`,
      // The folder is built from nothing; it need not survive a power cut.
      "--dpkgopt=force-unsafe-io",
      ...['APT::Install-Recommends "false";', ...settings].map(
        (line) => `--aptopt=${line}`,
      ),
      `--include=${packages.join(",")}`,
      ...["bookworm", root],
      ...sourceLines(targets),
    ],
    { timeoutSeconds: 1500 },
  );
}

/** Makes disk, kernel and initrd of a root folder in `done`. */
async function finish(
  recipe: Recipe,
  root: string,
  done: string,
  work: string,
): Promise<void> {
  await run("sh", [path.join(recipe.folder, "customize.sh"), root], {
    timeoutSeconds: 300,
  });
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
  await makeDisk(root, path.join(done, "guest.qcow2"), work);
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

/** Older images of the recipe go, but for the latest of them: clones of two states may alternate. */
function removeOldImages(recipe: Recipe): void {
  const age = (folder: string) =>
    fs.statSync(path.join(folder, "guest.qcow2"), { throwIfNoEntry: false })
      ?.mtimeMs ?? 0;
  const old = fs
    .readdirSync(imagesFolder())
    .filter((entry) => new RegExp(`^${recipe.name}-[0-9a-f]{8}$`).test(entry))
    .map((entry) => path.join(imagesFolder(), entry))
    .filter((folder) => folder !== describe(recipe).folder)
    .sort((one, other) => age(other) - age(one));
  for (const folder of old.slice(1)) {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

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

async function step(
  what: string,
  outcome: string,
  log: Log,
  body: () => Promise<void>,
) {
  const began = Date.now();
  log(`${what} ...`);
  await body();
  log(stepLine(what, outcome, (Date.now() - began) / 1000));
}
