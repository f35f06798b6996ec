import * as fs from "node:fs/promises";
import { formatBytes } from "../core/units";
import { IMAGE_HEADER_BYTES, readImageHeader } from "./imageFormat";

/** An image to upload, as far as it can be seen before the upload. */
export interface ImageFacts {
  readonly format: string;
  /** Bytes to upload; undefined when a server does not say. */
  readonly sizeBytes: number | undefined;
}

const FETCH_TIMEOUT_MS = 20_000;

/**
 * Looks at an image before it is uploaded: the libvirt provider would take an error page or a VMDK
 * for a raw disk, and the guest would never boot.
 *
 * @param source path or http(s) address.
 * @throws with what is wrong and what to do.
 */
export async function inspectImage(source: string): Promise<ImageFacts> {
  const { head, sizeBytes } = /^https?:/.test(source)
    ? await fetchHead(source)
    : await readHead(source);
  const { format, usable } = readImageHeader(head);
  if (!usable) {
    throw new Error(
      `image ${source} is ${format}${sizeBytes === undefined ? "" : ` (${formatBytes(sizeBytes)})`}, ` +
        "must be qcow2 or a raw disk; convert it by: qemu-img convert -O qcow2 IMAGE IMAGE.qcow2",
    );
  }
  return { format, sizeBytes };
}

async function readHead(
  path: string,
): Promise<{ head: Buffer; sizeBytes: number }> {
  const file = await fs.open(path).catch((error: NodeJS.ErrnoException) => {
    const why =
      error.code === "ENOENT"
        ? "does not exist"
        : `cannot be read (${error.code ?? error.message})`;
    throw new Error(
      `image ${path} ${why} on the machine that runs this program; looked from ${process.cwd()}`,
    );
  });
  try {
    const stat = await file.stat();
    if (!stat.isFile()) {
      throw new Error(`image ${path} is no file`);
    }
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(IMAGE_HEADER_BYTES),
      0,
      IMAGE_HEADER_BYTES,
      0,
    );
    return { head: buffer.subarray(0, bytesRead), sizeBytes: stat.size };
  } finally {
    await file.close();
  }
}

async function fetchHead(
  url: string,
): Promise<{ head: Buffer; sizeBytes: number | undefined }> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), FETCH_TIMEOUT_MS);
  try {
    const response = await fetch(url, {
      headers: { range: `bytes=0-${IMAGE_HEADER_BYTES - 1}` },
      signal: stop.signal,
    }).catch((error: Error) => {
      const cause =
        error.cause instanceof Error ? error.cause.message : error.message;
      throw new Error(`image ${url} cannot be fetched: ${cause}`);
    });
    if (!response.ok || response.body === null) {
      throw new Error(
        `image ${url} cannot be fetched: the server answers ${response.status} ${response.statusText}`,
      );
    }
    return {
      head: await firstBytes(response.body),
      sizeBytes: sizeOf(response),
    };
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

/** Reads no more than the header, also from a server that does not know ranges. */
async function firstBytes(body: ReadableStream<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= IMAGE_HEADER_BYTES) {
      break;
    }
  }
  return Buffer.concat(chunks).subarray(0, IMAGE_HEADER_BYTES);
}

function sizeOf({ headers, status }: Response): number | undefined {
  const total =
    status === 206
      ? headers.get("content-range")?.split("/")[1]
      : headers.get("content-length");
  const size = Number(total);
  return total && Number.isFinite(size) ? size : undefined;
}
