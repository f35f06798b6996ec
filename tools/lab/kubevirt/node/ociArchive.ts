import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

import { run } from "../../../toolchain/commands";
import { sha256 } from "../../../toolchain/download";

/** A container image, made of layers that are there. */
export interface ContainerImage {
  /** With registry and tag, for example `registry.k8s.io/pause:3.10.1`. */
  readonly name: string;
  /** Files in tar format, the lowest layer first. Images may share them. */
  readonly layers: readonly string[];
  /** Default: none, as of images that are always given a command. */
  readonly entrypoint?: readonly string[];
}

/** A file among others: its media type, digest and size (OCI image specification, descriptor.md). */
interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const ociType = (name: string) => `application/vnd.oci.image.${name}`;

/** By it containerd takes an image under its full name. */
const nameAnnotation = "io.containerd.image.name";

/**
 * Writes images as one archive (OCI image layout in tar format), which `ctr images import` reads. No
 * daemon is needed. Equal layers make an equal archive.
 *
 * @param work an empty folder, on the file system of the layers.
 */
export async function writeArchive(
  images: readonly ContainerImage[],
  archive: string,
  work: string,
): Promise<void> {
  const blobs = path.join(work, "blobs", "sha256");
  fs.mkdirSync(blobs, { recursive: true });
  const layers = new Map<string, Descriptor>();
  for (const file of new Set(images.flatMap((image) => image.layers))) {
    const digest = await sha256(file);
    const { size } = fs.statSync(file);
    const blob = path.join(blobs, digest);
    if (!fs.existsSync(blob)) {
      fs.linkSync(file, blob);
    }
    const mediaType = ociType("layer.v1.tar");
    layers.set(file, { mediaType, digest: `sha256:${digest}`, size });
  }
  const json = (kind: string, value: unknown): Descriptor => {
    const text = JSON.stringify(value);
    const digest = createHash("sha256").update(text).digest("hex");
    fs.writeFileSync(path.join(blobs, digest), text);
    const size = Buffer.byteLength(text);
    return { mediaType: ociType(kind), digest: `sha256:${digest}`, size };
  };
  const manifests = images.map((image) => {
    const own = image.layers.map((file) => layers.get(file)!);
    const config = json("config.v1+json", imageConfig(image, own));
    const manifest = json("manifest.v1+json", {
      schemaVersion: 2,
      mediaType: ociType("manifest.v1+json"),
      config,
      layers: own,
    });
    return { ...manifest, annotations: { [nameAnnotation]: image.name } };
  });
  const write = (name: string, value: unknown) =>
    fs.writeFileSync(path.join(work, name), JSON.stringify(value));
  write("oci-layout", { imageLayoutVersion: "1.0.0" });
  write("index.json", {
    schemaVersion: 2,
    mediaType: ociType("index.v1+json"),
    manifests,
  });
  await tar(archive, work, ["oci-layout", "index.json", "blobs"]);
}

/** What a container of the image starts with. */
function imageConfig(
  { entrypoint }: ContainerImage,
  layers: readonly Descriptor[],
): object {
  return {
    architecture: "amd64",
    os: "linux",
    config: {
      Env: [
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      ],
      ...(entrypoint === undefined ? {} : { Entrypoint: entrypoint }),
      WorkingDir: "/",
    },
    // Uncompressed layers have one digest for both.
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
  };
}

/**
 * Packs files of a folder. The archive depends on nothing but their names, modes and contents.
 *
 * @param entries paths from the folder, with all that is below them.
 */
export async function tar(
  archive: string,
  folder: string,
  entries: readonly string[],
): Promise<void> {
  await run(
    "tar",
    [
      ...["--create", "--file", archive, "--directory", folder],
      ...["--sort=name", "--mtime=@0", "--format=gnu"],
      ...["--owner=0", "--group=0", "--numeric-owner", "--hard-dereference"],
      "--",
      ...entries,
    ],
    { timeoutSeconds: 300 },
  );
}
