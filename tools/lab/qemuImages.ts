import * as fs from "node:fs";
import { run } from "../toolchain/commands";

const quick = { timeoutSeconds: 120 };

/** What qemu-img says of an image, as far as it is asked here. */
interface ImageInfo {
  readonly filename: string;
  readonly "virtual-size": number;
  readonly format: string;
  readonly snapshots?: readonly { readonly name: string }[];
}

/** The image and all that it stands on, itself first. Looks only, also while a guest uses it. */
export async function imageChain(file: string): Promise<ImageInfo[]> {
  const text = await run(
    "qemu-img",
    ["info", "-U", "--backing-chain", "--output=json", file],
    quick,
  );
  return JSON.parse(text) as ImageInfo[];
}

export async function virtualSize(file: string): Promise<number | undefined> {
  return (await imageChain(file))[0]?.["virtual-size"];
}

export async function createEmpty(file: string, bytes: number): Promise<void> {
  await run(
    "qemu-img",
    ["create", "-q", "-f", "qcow2", file, String(bytes)],
    quick,
  );
}

/** An image that only holds what differs from its base. */
export async function createOverlay(file: string, base: string): Promise<void> {
  const format = (await imageChain(base))[0]?.format ?? "qcow2";
  await run(
    "qemu-img",
    ["create", "-q", "-f", "qcow2", "-b", base, "-F", format, file],
    quick,
  );
}

/** A copy that does not depend on its source, without the source's snapshots. */
export async function copyImage(file: string, source: string): Promise<void> {
  const [info] = await imageChain(source);
  if (info?.format !== "qcow2") {
    await run("qemu-img", ["convert", "-O", "qcow2", source, file], quick);
    return;
  }
  fs.copyFileSync(source, file, fs.constants.COPYFILE_FICLONE);
  for (const { name } of info.snapshots ?? []) {
    await snapshotImage(file, "-d", name);
  }
}

export async function resizeImage(file: string, bytes: number): Promise<void> {
  await run(
    "qemu-img",
    ["resize", "-q", "-f", "qcow2", file, String(bytes)],
    quick,
  );
}

/** Makes (-c), applies (-a) or deletes (-d) a snapshot inside an image that no guest uses. */
export async function snapshotImage(
  file: string,
  action: "-c" | "-a" | "-d",
  name: string,
): Promise<void> {
  await run("qemu-img", ["snapshot", action, name, file], quick);
}
