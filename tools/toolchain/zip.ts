import * as crypto from "node:crypto";
import * as zlib from "node:zlib";

/** A file of a zip archive. Folders have no entry of their own. */
export interface ZipEntry {
  readonly name: string;
  read(): Buffer;
}

const endRecord = 0x06054b50;
const centralHeader = 0x02014b50;
const localHeader = 0x04034b50;

/**
 * The files of a zip archive (stored or deflated, below 4 GiB; APPNOTE.TXT 4.3). Go modules and
 * Terraform providers are shipped so, and `unzip` is not on every machine.
 *
 * @throws Error when the archive is cut short or of another form.
 */
export function readZip(archive: Buffer): ZipEntry[] {
  const end = archive.lastIndexOf(
    Buffer.from([0x50, 0x4b, 0x05, 0x06]),
    archive.length - 22,
  );
  if (end < 0 || archive.readUInt32LE(end) !== endRecord) {
    throw new Error("not a zip archive: its end record is missing");
  }
  const count = archive.readUInt16LE(end + 10);
  let at = archive.readUInt32LE(end + 16);
  if (count === 0xffff || at === 0xffffffff) {
    throw new Error("zip64 archives are not supported");
  }
  const entries: ZipEntry[] = [];
  for (let index = 0; index < count; index++) {
    if (archive.readUInt32LE(at) !== centralHeader) {
      throw new Error(`zip archive is damaged at byte ${at}`);
    }
    const method = archive.readUInt16LE(at + 10);
    const size = archive.readUInt32LE(at + 20);
    const nameLength = archive.readUInt16LE(at + 28);
    const extraLength = archive.readUInt16LE(at + 30);
    const commentLength = archive.readUInt16LE(at + 32);
    const local = archive.readUInt32LE(at + 42);
    const name = archive.toString("utf8", at + 46, at + 46 + nameLength);
    at += 46 + nameLength + extraLength + commentLength;
    if (!name.endsWith("/")) {
      entries.push({
        name,
        read: () => readEntry(archive, name, local, size, method),
      });
    }
  }
  return entries;
}

function readEntry(
  archive: Buffer,
  name: string,
  local: number,
  size: number,
  method: number,
): Buffer {
  if (archive.readUInt32LE(local) !== localHeader) {
    throw new Error(`zip archive is damaged at ${name}`);
  }
  const start =
    local +
    30 +
    archive.readUInt16LE(local + 26) +
    archive.readUInt16LE(local + 28);
  const data = archive.subarray(start, start + size);
  switch (method) {
    case 0:
      return data;
    case 8:
      return zlib.inflateRawSync(data);
    default:
      throw new Error(
        `zip archive packs ${name} by method ${method}; 0 (stored) and 8 (deflated) are supported`,
      );
  }
}

/** A module zip's `h1:` hash, as in go.sum (golang.org/x/mod/sumdb/dirhash, Hash1). */
export function moduleHash(entries: readonly ZipEntry[]): string {
  const lines = [...entries]
    .sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
    .map((entry) => {
      const sum = crypto
        .createHash("sha256")
        .update(entry.read())
        .digest("hex");
      return `${sum}  ${entry.name}\n`;
    });
  const whole = crypto.createHash("sha256").update(lines.join(""));
  return `h1:${whole.digest("base64")}`;
}
