import { createHash } from "node:crypto";
import * as fs from "node:fs/promises";

import type { Asset } from "../../frame/value";

/** Bytes that are read at a time: no more of a file is ever in memory. */
const CHUNK_BYTES = 256 * 1024;

/**
 * The content of an asset, to be read once.
 *
 * @throws Error when the source cannot be read, or is not what it was when Pulumi looked at it.
 */
export async function withContent<T>(
  asset: Asset,
  use: (bytes: number, chunks: AsyncIterable<Buffer>) => Promise<T>,
): Promise<T> {
  const { source, hash } = asset;
  if (source && "text" in source) {
    const bytes = Buffer.from(source.text);
    return use(bytes.length, checked(one(bytes), hash, "the content"));
  }
  if (!source || !("path" in source)) {
    throw new Error("only files and texts can be written, no addresses");
  }
  const { path } = source;
  const file = await fs.open(path).catch((error: NodeJS.ErrnoException) => {
    throw unreadable(path, error);
  });
  try {
    const { size } = await file.stat();
    return await use(size, checked(read(file, path, size), hash, path));
  } finally {
    await file.close();
  }
}

async function* one(bytes: Buffer): AsyncIterable<Buffer> {
  yield bytes;
}

async function* read(
  file: fs.FileHandle,
  path: string,
  size: number,
): AsyncIterable<Buffer> {
  for (let left = size; left > 0;) {
    // A buffer of its own for each part: the one before may still be on its way.
    const buffer = Buffer.allocUnsafe(Math.min(left, CHUNK_BYTES));
    const { bytesRead } = await file
      .read(buffer, 0, buffer.length, null)
      .catch((error: NodeJS.ErrnoException) => {
        throw unreadable(path, error);
      });
    if (bytesRead === 0) {
      throw changed(path);
    }
    left -= bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Passes the chunks on and throws after the last one if their hash is not the expected one. */
async function* checked(
  chunks: AsyncIterable<Buffer>,
  hash: string,
  what: string,
): AsyncIterable<Buffer> {
  const sum = createHash("sha256");
  for await (const chunk of chunks) {
    sum.update(chunk);
    yield chunk;
  }
  if (sum.digest("hex") !== hash) {
    throw changed(what);
  }
}

function unreadable(path: string, error: NodeJS.ErrnoException): Error {
  return new Error(
    `${path} cannot be read here: ${error.code ?? error.message}`,
  );
}

function changed(what: string): Error {
  return new Error(`${what} changed while it was being written; run up again`);
}
