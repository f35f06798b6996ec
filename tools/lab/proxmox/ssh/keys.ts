import * as fs from "node:fs";
import * as path from "node:path";
import { utils } from "ssh2";

/** Keys in OpenSSH's formats. */
export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** A key pair that is kept in a folder, so that it survives a restart. */
export function ensureKeyPair(folder: string, name: string): KeyPair {
  const file = path.join(folder, name);
  if (!fs.existsSync(file)) {
    const made = utils.generateKeyPairSync("ed25519", { comment: name });
    fs.writeFileSync(`${file}.pub`, `${made.public}\n`);
    fs.writeFileSync(file, made.private, { mode: 0o600 });
  }
  return {
    privateKey: fs.readFileSync(file, "utf8"),
    publicKey: fs.readFileSync(`${file}.pub`, "utf8").trim(),
  };
}
