import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import {
  cachePaths,
  intoCache,
  isPlaced,
  readStamp,
  removeLeftovers,
  type PiecePaths,
} from "@corral-iac/tools/toolchain/cache";

describe("toolchain: cache", () => {
  let folder: string;
  let piece: PiecePaths;

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-cache-"));
    piece = cachePaths(folder, "linux", "x64").pieces.libvirtProvider;
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  const fill = (into: string): Promise<void> => {
    fs.writeFileSync(path.join(into, piece.pin.binary), "binary");
    return Promise.resolve();
  };

  it("holds a piece only when it is whole", async () => {
    assert.equal(readStamp(piece), undefined);
    const stamp = await intoCache(piece, "build", fill);
    assert.equal(stamp.source, "build");
    assert.deepEqual(readStamp(piece), stamp);
    fs.rmSync(piece.binary);
    assert.equal(readStamp(piece), undefined);
  });

  it("keeps nothing of an attempt that failed", async () => {
    const attempt = intoCache(piece, "build", async (into) => {
      await fill(into);
      throw new Error("interrupted");
    });
    await assert.rejects(attempt, /interrupted/);
    assert.equal(readStamp(piece), undefined);
    assert.deepEqual(fs.readdirSync(path.dirname(piece.folder)), []);
  });

  it("replaces a folder without a stamp", async () => {
    fs.mkdirSync(piece.folder, { recursive: true });
    fs.writeFileSync(piece.binary, "half");
    assert.equal(readStamp(piece), undefined);
    await intoCache(piece, "build", fill);
    assert.equal(fs.readFileSync(piece.binary, "utf8"), "binary");
  });

  it("is cleared of what dead processes left, and of nothing else", () => {
    for (const name of ["a-1.tmp-11", "b-2.tmp-22", "c-3"]) {
      fs.mkdirSync(path.join(folder, name));
    }
    const removed = removeLeftovers(folder, (pid) => pid === 22);
    assert.deepEqual(removed, ["a-1.tmp-11"]);
    assert.deepEqual(fs.readdirSync(folder).sort(), ["b-2.tmp-22", "c-3"]);
    assert.deepEqual(
      removeLeftovers(path.join(folder, "none"), () => true),
      [],
    );
  });

  it("does not take a piece for placed by its mark alone", () => {
    const paths = cachePaths(folder, "linux", "x64");
    assert.equal(isPlaced(paths, piece), false);
  });
});
