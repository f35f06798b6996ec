import * as assert from "node:assert/strict";
import * as fc from "fast-check";
import { formatBytes, gibToBytes } from "@corral-iac/corral/core/units";

describe("gibToBytes", () => {
  it("means 2^30 bytes", () => {
    assert.equal(gibToBytes(1), 1024 ** 3);
    assert.equal(gibToBytes(2.5), 2.5 * 1024 ** 3);
  });

  it("gives whole sectors and no less than asked for, as QEMU does", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 65536, noNaN: true }), (gib) => {
        const bytes = gibToBytes(gib);
        assert.equal(bytes % 512, 0);
        assert.ok(bytes >= gib * 1024 ** 3);
        assert.ok(bytes - gib * 1024 ** 3 < 512);
      }),
    );
  });
});

describe("formatBytes", () => {
  for (const [bytes, text] of [
    [0, "0 B"],
    [1024 ** 2 - 1, "1048575 B"],
    [1024 ** 2, "1.0 MiB"],
    [1.5 * 1024 ** 3, "1.5 GiB"],
    [2048 * 1024 ** 3, "2048.0 GiB"],
  ] as const) {
    it(`writes ${bytes} as ${text}`, () => {
      assert.equal(formatBytes(bytes), text);
    });
  }
});
