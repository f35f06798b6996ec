import * as fs from "node:fs";
import * as path from "node:path";

import { run } from "../toolchain/commands";

/** UUID of the root file system; the recipe's fstab and kernel arguments name it. */
const rootUuid = "c0447a1c-1ab0-4deb-b12d-000000000001";
const sector = 512;
/** Boot code ends where the table of partitions begins. */
const bootCodeBytes = 440;

/**
 * Makes a bootable qcow2 disk of a root folder without mounting anything: a DOS partition table,
 * GRUB in the gap before the first partition, an ext4 file system in it.
 *
 * @param root holds GRUB's boot.img where Debian has it, and boot/grub/core.img.
 * @param disk the file to make.
 * @param work folder for intermediate files.
 * @param sizeMib size of the disk.
 */
export async function makeDisk(
  root: string,
  disk: string,
  work: string,
  sizeMib = 2048,
): Promise<void> {
  const raw = path.join(work, "disk.raw");
  fs.writeFileSync(raw, "");
  fs.truncateSync(raw, sizeMib * 1024 * 1024);
  await run(
    "sh",
    [
      "-c",
      'printf "label: dos\\nstart=2048, type=83, bootable\\n" | sfdisk -q "$1"',
      "-",
      raw,
    ],
    {
      timeoutSeconds: 60,
    },
  );
  await run(
    "mke2fs",
    [
      ...[
        "-q",
        "-F",
        "-t",
        "ext4",
        "-L",
        "corral-root",
        "-U",
        rootUuid,
        "-m",
        "1",
        "-J",
        "size=16",
      ],
      // All tables written now: the guest need not do it in its first minutes.
      ...[
        "-E",
        `offset=${sector * 2048},lazy_itable_init=0,lazy_journal_init=0,nodiscard`,
      ],
      ...["-d", root, raw, `${(sizeMib - 1) * 1024}k`],
    ],
    { timeoutSeconds: 600 },
  );
  installGrub(raw, {
    boot: fs.readFileSync(path.join(root, "usr/lib/grub/i386-pc/boot.img")),
    core: fs.readFileSync(path.join(root, "boot/grub/core.img")),
  });
  await run("qemu-img", ["convert", "-O", "qcow2", raw, disk], {
    timeoutSeconds: 600,
  });
}

/** boot.img looks for core.img in the sector after its own, and core.img for its rest after itself. */
function installGrub(
  raw: string,
  grub: { readonly boot: Buffer; readonly core: Buffer },
): void {
  const gap = sector * 2047;
  if (grub.core.length > gap) {
    throw new Error(
      `GRUB's core.img has ${grub.core.length} bytes, the gap before the partition ${gap}.`,
    );
  }
  const file = fs.openSync(raw, "r+");
  try {
    fs.writeSync(file, grub.boot, 0, bootCodeBytes, 0);
    fs.writeSync(file, grub.core, 0, grub.core.length, sector);
  } finally {
    fs.closeSync(file);
  }
}
