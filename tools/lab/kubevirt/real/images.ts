import * as fs from "node:fs";
import * as path from "node:path";

import { imagesFolder } from "../../imageCache";
import { readLab } from "../../state";
import { imageLabel } from "../handler/guests";
import type { Instance } from "../handler/types";

/** What a real guest is booted from. */
export interface BootImage {
  readonly accelerator: "kvm" | "tcg";
  /** Disk that the guest's own is an overlay of. */
  readonly image: string;
  readonly boot: {
    readonly kernel: string;
    readonly initrd: string;
    readonly arguments: string;
  };
}

/**
 * The image that an instance asks for by its label, else that of the lab for libvirt.
 *
 * @throws Error that names the remedy when it is not there.
 */
export function guestImageOf({ metadata }: Instance): BootImage {
  const lab = readLab();
  if (lab === undefined || process.getuid?.() !== 0) {
    throw new Error(
      "Real guests need the lab for libvirt, for its image, and root: npm run lab -- up libvirt",
    );
  }
  const { accelerator, imageFile, directBoot } = lab;
  const name = metadata.labels?.[imageLabel];
  if (name === undefined) {
    return { accelerator, image: imageFile, boot: directBoot };
  }
  const folder = path.join(imagesFolder(), name);
  const image = path.join(folder, "guest.qcow2");
  if (!/^[a-z0-9-]+$/.test(name) || !fs.existsSync(image)) {
    throw new Error(
      `The label ${imageLabel} of ${metadata.name} names ${name}, which is no image in ${imagesFolder()}`,
    );
  }
  const unpacked = path.join(folder, "vmlinux");
  return {
    accelerator,
    image,
    boot: {
      kernel: fs.existsSync(unpacked) ? unpacked : path.join(folder, "vmlinuz"),
      initrd: path.join(folder, "initrd.img"),
      // Images of one family start alike: they are made from the recipe of the lab's own.
      arguments: directBoot.arguments,
    },
  };
}
