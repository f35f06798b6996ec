/** Where the packed kernel stands in a bzImage (kernel documentation, x86 boot protocol 2.08+). */
export interface Payload {
  readonly offset: number;
  readonly length: number;
}

const xzMagic = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]);

/**
 * Finds the kernel packed with xz in a bzImage; undefined when the file is none or is packed
 * otherwise. The unpacked kernel (ELF with a PVH entry) starts seconds sooner without KVM.
 */
export function xzPayload(bzImage: Buffer): Payload | undefined {
  const isBzImage =
    bzImage.length > 0x250 &&
    bzImage.toString("latin1", 0x202, 0x206) === "HdrS";
  if (!isBzImage || bzImage.readUInt16LE(0x206) < 0x208) {
    return undefined;
  }
  // The documentation has 0 mean 4.
  const setupSectors = bzImage.readUInt8(0x1f1) || 4;
  const offset = (setupSectors + 1) * 512 + bzImage.readUInt32LE(0x248);
  const length = bzImage.readUInt32LE(0x24c);
  const magic = bzImage.subarray(offset, offset + xzMagic.length);
  return magic.equals(xzMagic) && offset + length <= bzImage.length
    ? { offset, length }
    : undefined;
}
