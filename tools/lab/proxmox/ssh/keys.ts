import * as fs from "node:fs";
import * as path from "node:path";
import { generateEd25519 } from "@corral-iac/corral-ops/ssh/keyPair";

/** Keys in OpenSSH's formats. */
export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** A key pair that is kept in a folder, so that it survives a restart. */
export function ensureKeyPair(folder: string, name: string): KeyPair {
  const file = path.join(folder, name);
  if (!fs.existsSync(file)) {
    // Not ssh2's own: one in three hundred of its keys cannot be read, not even by itself.
    const made = generateEd25519();
    fs.writeFileSync(`${file}.pub`, `${made.publicKey} ${name}\n`);
    fs.writeFileSync(file, made.privateKey, { mode: 0o600 });
  }
  return {
    privateKey: fs.readFileSync(file, "utf8"),
    publicKey: fs.readFileSync(`${file}.pub`, "utf8").trim(),
  };
}
