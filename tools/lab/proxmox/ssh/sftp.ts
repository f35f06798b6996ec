import * as fs from "node:fs";
import { type SFTPWrapper, utils } from "ssh2";
import { isInside } from "./commands";

const { STATUS_CODE } = utils.sftp;

/**
 * Answers what clients ask to check a file that they wrote: open, stat, read, change its mode.
 *
 * @param folders in which files may be seen.
 */
export function serveSftp(sftp: SFTPWrapper, folders: readonly string[]): void {
  const open = new Map<number, number>();
  let last = 0;
  const allowed = (file: string) =>
    folders.some((folder) => isInside(file, folder));
  const handleOf = (handle: Buffer) => open.get(handle.readUInt32BE(0));
  const attempt = (id: number, work: () => void) => {
    try {
      work();
    } catch {
      sftp.status(id, STATUS_CODE.NO_SUCH_FILE);
    }
  };
  // A client that is done waits for the channel to close.
  sftp.on("end", () => sftp.end());
  sftp.on("OPEN", (id, file) =>
    attempt(id, () => {
      if (!allowed(file)) {
        sftp.status(id, STATUS_CODE.PERMISSION_DENIED);
        return;
      }
      last += 1;
      open.set(last, fs.openSync(file, "r"));
      const handle = Buffer.alloc(4);
      handle.writeUInt32BE(last, 0);
      sftp.handle(id, handle);
    }),
  );
  sftp.on("FSTAT", (id, handle) =>
    attempt(id, () =>
      sftp.attrs(id, attributes(fs.fstatSync(handleOf(handle) ?? -1))),
    ),
  );
  for (const event of ["STAT", "LSTAT"] as const) {
    sftp.on(event, (id: number, file: string) =>
      attempt(id, () =>
        allowed(file)
          ? sftp.attrs(id, attributes(fs.statSync(file)))
          : sftp.status(id, STATUS_CODE.PERMISSION_DENIED),
      ),
    );
  }
  sftp.on("READ", (id, handle, offset, length) =>
    attempt(id, () => {
      const data = Buffer.alloc(length);
      const bytes = fs.readSync(
        handleOf(handle) ?? -1,
        data,
        0,
        length,
        offset,
      );
      if (bytes === 0) {
        sftp.status(id, STATUS_CODE.EOF);
      } else {
        sftp.data(id, data.subarray(0, bytes));
      }
    }),
  );
  sftp.on("SETSTAT", (id, file, { mode }) =>
    attempt(id, () => {
      if (allowed(file) && mode !== undefined) {
        fs.chmodSync(file, mode & 0o7777);
      }
      sftp.status(id, STATUS_CODE.OK);
    }),
  );
  sftp.on("REALPATH", (id, file) =>
    sftp.name(id, [
      {
        filename: file,
        longname: file,
        attrs: { mode: 0, uid: 0, gid: 0, size: 0, atime: 0, mtime: 0 },
      },
    ]),
  );
  sftp.on("CLOSE", (id, handle) =>
    attempt(id, () => {
      fs.closeSync(handleOf(handle) ?? -1);
      open.delete(handle.readUInt32BE(0));
      sftp.status(id, STATUS_CODE.OK);
    }),
  );
}

function attributes({ mode, size, atimeMs, mtimeMs }: fs.Stats) {
  return {
    mode,
    uid: 0,
    gid: 0,
    size,
    atime: Math.floor(atimeMs / 1000),
    mtime: Math.floor(mtimeMs / 1000),
  };
}
