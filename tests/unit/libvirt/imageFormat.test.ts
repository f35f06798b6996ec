import * as assert from "node:assert/strict";
import {
  IMAGE_HEADER_BYTES,
  readImageHeader,
} from "@corral-iac/corral/libvirt/imageFormat";
import * as fc from "fast-check";

const GIB = 1024 ** 3;

/** A file's beginning with bytes at given places. */
function head(bytes: Record<number, string | readonly number[]>): Buffer {
  const buffer = Buffer.alloc(IMAGE_HEADER_BYTES);
  for (const [offset, content] of Object.entries(bytes)) {
    const part =
      typeof content === "string"
        ? Buffer.from(content, "latin1")
        : Buffer.from(content);
    part.copy(buffer, Number(offset));
  }
  return buffer;
}

function qcow2({ version = 3, backingOffset = 0n, size = 0n } = {}): Buffer {
  const buffer = head({ 0: [0x51, 0x46, 0x49, 0xfb] });
  buffer.writeUInt32BE(version, 4);
  buffer.writeBigUInt64BE(backingOffset, 8);
  buffer.writeBigUInt64BE(size, 24);
  return buffer;
}

const BOOT_SECTOR = { 510: [0x55, 0xaa] };

describe("readImageHeader", () => {
  for (const version of [2, 3]) {
    it(`takes qcow2 of version ${version} and reads the disk's size`, () => {
      assert.deepEqual(
        readImageHeader(qcow2({ version, size: BigInt(4 * GIB) })),
        { format: "qcow2", usable: true, virtualSizeBytes: 4 * GIB },
      );
    });
  }

  it("takes a raw disk by its boot sector", () => {
    assert.deepEqual(readImageHeader(head(BOOT_SECTOR)), {
      format: "raw",
      usable: true,
    });
    const smallest = head(BOOT_SECTOR).subarray(0, 512);
    assert.equal(readImageHeader(smallest).usable, true);
  });

  it("takes a GPT disk by its protective MBR", () => {
    const gpt = head({ ...BOOT_SECTOR, 450: [0xee], 512: "EFI PART" });
    assert.equal(readImageHeader(gpt).format, "raw");
  });

  for (const [format, image] of [
    ["VMDK", head({ 0: "KDMV" })],
    ["VMDK", head({ 0: "# Disk DescriptorFile\nversion=1\n" })],
    ["VMDK", head({ 0: "COWD" })],
    ["VHD ", head({ 0: "conectix" })],
    ["VHDX", head({ 0: "vhdxfile" })],
    ["VDI", head({ 0: "<<< Oracle VM VirtualBox Disk Image >>>\n" })],
    ["QED", head({ 0: "QED\0" })],
    ["gzip", head({ 0: [0x1f, 0x8b, 8] })],
    ["xz", head({ 0: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0] })],
    ["zstd", head({ 0: [0x28, 0xb5, 0x2f, 0xfd] })],
    ["bzip2", head({ 0: "BZh9" })],
    ["zip", head({ 0: "PK\u0003\u0004" })],
    ["OVA", head({ 0: "box.ovf", 257: "ustar" })],
    ["CD image", head({ 32769: "CD001" })],
    ["CD image", head({ ...BOOT_SECTOR, 32769: "CD001" })],
    ["web page", head({ 0: "<!DOCTYPE html>" })],
    ["web page", head({ 0: "\n  <!doctype HTML>" })],
    ["web page", head({ 0: "<html>" })],
    ["XML", head({ 0: '<?xml version="1.0"?><Error>' })],
    ["git lfs pull", head({ 0: "version https://git-lfs.github.com" })],
    ["backing file", qcow2({ backingOffset: 104n })],
    ["qcow of version 1", qcow2({ version: 1 })],
    ["an empty file", Buffer.alloc(0)],
    ["cut off", qcow2().subarray(0, 40)],
    ["cut off", qcow2().subarray(0, 4)],
    ["not a disk image", head({ 0: "hello" })],
    ["not a disk image", head({})],
    ["not a disk image", head(BOOT_SECTOR).subarray(0, 511)],
    ["not a disk image", Buffer.from("Q")],
  ] as const) {
    it(`refuses ${format} (${JSON.stringify(image.subarray(0, 4).toString("latin1"))}, ${image.length} bytes)`, () => {
      const header = readImageHeader(image);
      assert.equal(header.usable, false);
      assert.ok(header.format.includes(format), header.format);
    });
  }

  it("says something of whatever it is given", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1024 }), (bytes) => {
        const { format, usable } = readImageHeader(Buffer.from(bytes));
        assert.notEqual(format, "");
        assert.equal(usable, format === "raw" || format === "qcow2");
      }),
    );
  });
});
