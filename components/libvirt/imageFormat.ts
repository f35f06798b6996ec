/** What the first bytes of a disk image say it is. */
export interface ImageHeader {
  /** `qcow2` or `raw`; in words where it is anything else, to stand after "the image is". */
  readonly format: string;
  /** Whether a guest can start from it. */
  readonly usable: boolean;
  /** Size of the disk that the guest sees, in bytes; known for qcow2 only. */
  readonly virtualSizeBytes?: number;
}

/** Bytes of an image's beginning that {@link readImageHeader} needs to tell. */
export const IMAGE_HEADER_BYTES = 33 * 1024;

/** A format that is no disk for QEMU, the place of its magic in the file, and the magic. */
type ForeignFormat = readonly [
  format: string,
  offset: number,
  magic: string | readonly number[],
];

/** Formats that people hand in by mistake (file(1)'s magic database). */
const FOREIGN_FORMATS: readonly ForeignFormat[] = [
  ["VMDK (VMware)", 0, "KDMV"],
  ["VMDK (VMware)", 0, "COWD"],
  ["a VMDK descriptor (VMware)", 0, "# Disk DescriptorFile"],
  ["VHD (Hyper-V)", 0, "conectix"],
  ["VHDX (Hyper-V)", 0, "vhdxfile"],
  ["VDI (VirtualBox)", 0, "<<< "],
  ["QED", 0, "QED\0"],
  ["gzip, packed", 0, [0x1f, 0x8b]],
  ["xz, packed", 0, [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ["zstd, packed", 0, [0x28, 0xb5, 0x2f, 0xfd]],
  ["bzip2, packed", 0, "BZh"],
  ["a zip archive", 0, "PK\u0003\u0004"],
  ["a tar archive (an OVA?)", 257, "ustar"],
  ["a CD image (ISO 9660), not a disk", 32769, "CD001"],
  ["a Git LFS pointer (run git lfs pull)", 0, "version https://git-lfs"],
];

const QCOW2_MAGIC = Buffer.from([0x51, 0x46, 0x49, 0xfb]);
/** Length of the oldest qcow2 header (docs/interop/qcow2.txt of QEMU). */
const QCOW2_HEADER_BYTES = 72;
const SECTOR_BYTES = 512;

/**
 * Tells a disk image's format by its first bytes, as the libvirt provider does not: it takes
 * whatever is not qcow2 for a raw disk, and the guest then never boots.
 *
 * @param head the first {@link IMAGE_HEADER_BYTES} bytes, or all of a smaller file.
 */
export function readImageHeader(head: Buffer): ImageHeader {
  if (head.length === 0) {
    return unusable("an empty file");
  }
  if (startsWith(head, 0, QCOW2_MAGIC)) {
    return readQcow2Header(head);
  }
  const foreign = FOREIGN_FORMATS.find(([, offset, magic]) =>
    startsWith(
      head,
      offset,
      typeof magic === "string"
        ? Buffer.from(magic, "latin1")
        : Buffer.from(magic),
    ),
  );
  if (foreign !== undefined) {
    return unusable(foreign[0]);
  }
  if (isMarkup(head)) {
    return unusable("a web page or XML text (a download that failed?)");
  }
  // A GPT disk has it as well, in its protective MBR.
  const hasBootSector = head[510] === 0x55 && head[511] === 0xaa;
  return hasBootSector
    ? { format: "raw", usable: true }
    : unusable(
        "not a disk image (neither qcow2 nor a raw disk with a boot sector)",
      );
}

function readQcow2Header(head: Buffer): ImageHeader {
  if (head.length < QCOW2_HEADER_BYTES) {
    return unusable("qcow2, but cut off");
  }
  const version = head.readUInt32BE(4);
  if (version !== 2 && version !== 3) {
    return unusable(`qcow of version ${version}`);
  }
  if (head.readBigUInt64BE(8) !== 0n) {
    return unusable(
      "qcow2 with a backing file, which does not come along (flatten it)",
    );
  }
  return {
    format: "qcow2",
    usable: true,
    virtualSizeBytes: Number(head.readBigUInt64BE(24)),
  };
}

function isMarkup(head: Buffer): boolean {
  const text = head.subarray(0, SECTOR_BYTES).toString("latin1").trimStart();
  return /^<(!doctype|html|\?xml|head|body)\b/i.test(text);
}

function startsWith(head: Buffer, offset: number, magic: Buffer): boolean {
  return head.subarray(offset, offset + magic.length).equals(magic);
}

function unusable(format: string): ImageHeader {
  return { format, usable: false };
}
