import assert from "node:assert/strict";
import { xzPayload } from "@corral-iac/tools/lab/kernelImage";

const XZ = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];

/** A bzImage with `setupSectors`, its packed kernel 16 bytes into the protected-mode part. */
function bzImage(setupSectors: number, magic = XZ, version = 0x20f): Buffer {
  const image = Buffer.alloc(8192);
  image.writeUInt8(setupSectors, 0x1f1);
  image.write("HdrS", 0x202, "latin1");
  image.writeUInt16LE(version, 0x206);
  image.writeUInt32LE(16, 0x248);
  image.writeUInt32LE(100, 0x24c);
  const start = ((setupSectors || 4) + 1) * 512 + 16;
  Buffer.from(magic).copy(image, start);
  return image;
}

describe("the packed kernel in a bzImage", () => {
  it("is found behind the setup sectors; 0 of them means 4", () => {
    const offset = 5 * 512 + 16;
    assert.deepEqual(xzPayload(bzImage(4)), { offset, length: 100 });
    assert.deepEqual(xzPayload(bzImage(0)), { offset, length: 100 });
  });

  it("is none in another file, an old protocol, another packing or a cut file", () => {
    assert.equal(xzPayload(Buffer.from("#!/bin/sh\n")), undefined);
    assert.equal(xzPayload(bzImage(4, XZ, 0x207)), undefined);
    assert.equal(xzPayload(bzImage(4, [0x1f, 0x8b])), undefined);
    assert.equal(xzPayload(bzImage(4).subarray(0, 2600)), undefined);
  });
});
