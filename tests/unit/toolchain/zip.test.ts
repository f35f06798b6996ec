import assert from "node:assert/strict";
import * as zlib from "node:zlib";

import { moduleHash, readZip } from "@corral-iac/tools/toolchain/zip";

/** A zip archive as APPNOTE.TXT describes it; names that end in "/" are folders. */
function makeZip(files: Record<string, string>, method: number): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(files)) {
    const raw = Buffer.from(content);
    const data = method === 8 ? zlib.deflateRawSync(raw) : raw;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    local.writeUInt16LE(3, 28);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(method, 10);
    central.writeUInt32LE(data.length, 20);
    central.writeUInt16LE(name.length, 28);
    central.writeUInt32LE(offset, 42);
    const entry = [local, Buffer.from(name), Buffer.from("xtr"), data];
    locals.push(...entry);
    centrals.push(central, Buffer.from(name));
    offset += entry.reduce((sum, part) => sum + part.length, 0);
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, ...centrals, end]);
}

const files = { "m@v1/a.txt": "one", "m@v1/sub/": "", "m@v1/sub/b.txt": "two" };

describe("toolchain: zip archives", () => {
  for (const method of [0, 8]) {
    it(`are read (method ${method})`, () => {
      const read = readZip(makeZip(files, method)).map((entry) => [
        entry.name,
        entry.read().toString(),
      ]);
      assert.deepEqual(read, [
        ["m@v1/a.txt", "one"],
        ["m@v1/sub/b.txt", "two"],
      ]);
    });
  }

  it("of another form are refused", () => {
    assert.throws(() => readZip(Buffer.from("<html>")), /not a zip archive/);
    assert.throws(() => readZip(Buffer.alloc(0)), /not a zip archive/);
    const whole = makeZip(files, 8);
    assert.throws(() => readZip(whole.subarray(0, whole.length - 30)));
    const entries = readZip(makeZip(files, 12));
    assert.throws(() => entries[0]?.read(), /method 12/);
  });

  it("have Go's module hash, whatever their order and packing", () => {
    const reversed = Object.fromEntries(Object.entries(files).reverse());
    const hash = moduleHash(readZip(makeZip(files, 8)));
    // By: (printf '%s  m@v1/a.txt\n' $(printf one | sha256sum | cut -d' ' -f1);
    //      printf '%s  m@v1/sub/b.txt\n' $(printf two | sha256sum | cut -d' ' -f1)) |
    //     openssl dgst -sha256 -binary | base64
    assert.equal(hash, "h1:Hlz7fq6Z+FNc/ZbIAKp64tQFXl58elBUhB0d2wrJItM=");
    assert.equal(moduleHash(readZip(makeZip(reversed, 0))), hash);
  });
});
