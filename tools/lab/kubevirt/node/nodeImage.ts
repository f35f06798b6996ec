import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

import { corralHome } from "@corral-iac/corral/core/home";

import { ensureTool, piecesForNodes, type PieceName } from "../../../toolchain";
import { cachePaths } from "../../../toolchain/cache";
import { withLock } from "../../../toolchain/lock";
import { ensureImage, type GuestImage } from "../../image";
import { readRecipe, type Recipe } from "../../recipe";
import { step } from "../../step";
import { makeLayers, nodeImages } from "./nodeImages";
import { writeArchive } from "./ociArchive";
import { preloadImages } from "./preload";

type Log = (line: string) => void;

/** Programs of the toolchain that a node runs, on its disk or in its images. */
const pieces: readonly PieceName[] = [
  ...piecesForNodes,
  "kubeApiserver",
  "kubeControllerManager",
  "kubeScheduler",
  "kubectl",
  "etcd",
];

/** Those that stand on the node's disk. */
const installed: readonly PieceName[] = ["kubelet", "kubeadm", "kubectl"];

/** Where the node has Flannel's manifest. */
export const flannelManifest = "/usr/share/kubernetes/kube-flannel.yml";

const sizeMib = 4096;

/**
 * The guest image of a Kubernetes node, built unless it is in the cache: Debian with containerd, the
 * toolchain's kubelet, kubeadm and kubectl, and all container images that a cluster of kubeadm with
 * Flannel runs. A guest of it needs no network to become a node. Needs root.
 */
export async function ensureNodeImage(log: Log): Promise<GuestImage> {
  const recipe = nodeRecipe();
  const lock = path.join(corralHome(), `${recipe.name}.lock`);
  const binaries = new Map<PieceName, string>();
  for (const piece of pieces) {
    binaries.set(piece, await ensureTool(piece, { log }));
  }
  return withLock(lock, () =>
    ensureImage(recipe, log, {
      sizeMib,
      remedy: "npm run test:long",
      async furnish(root, work) {
        for (const piece of installed) {
          const file = binaries.get(piece) ?? "";
          const target = path.join(root, "usr/bin", path.basename(file));
          fs.copyFileSync(file, target);
          fs.chmodSync(target, 0o755);
        }
        await step("Guest image: container images", "made", log, () =>
          furnishImages(root, work, binaries),
        );
      },
    }),
  );
}

/** The recipe, whose key also changes with every program in the image. */
function nodeRecipe(): Recipe {
  const recipe = readRecipe("kubernetes-node");
  const paths = cachePaths(corralHome());
  const hash = createHash("sha256").update(recipe.hash);
  for (const piece of pieces) {
    hash.update(`${piece} ${paths.pieces[piece].key}\n`);
  }
  hash.update(JSON.stringify(nodeImages));
  return { ...recipe, hash: hash.digest("hex").slice(0, 8) };
}

async function furnishImages(
  root: string,
  work: string,
  binaries: ReadonlyMap<PieceName, string>,
): Promise<void> {
  const layers = path.join(work, "layers");
  const layout = path.join(work, "layout");
  fs.mkdirSync(layers);
  const images = await makeLayers(root, binaries, layers);
  const archive = path.join(work, "images.tar");
  await writeArchive(images, archive, layout);
  const there = await preloadImages(root, archive);
  const missing = images.filter(({ name }) => !there.includes(name));
  if (missing.length > 0) {
    throw new Error(
      `containerd did not take ${missing.map(({ name }) => name).join(", ")}`,
    );
  }
  for (const rest of [layers, layout, archive]) {
    fs.rmSync(rest, { recursive: true });
  }
}
