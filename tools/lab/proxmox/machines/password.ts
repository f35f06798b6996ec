import { randomBytes } from "node:crypto";
import { execFileSync } from "node:child_process";

/** A password as Proxmox keeps it: hashed, unless it is already. */
export function hashPassword(password: string): string {
  if (/^\$(?:[156]|2[ay])(\$.+){2}/.test(password)) {
    return password;
  }
  // By stdin: an argument would stand in the process list.
  return execFileSync("openssl", ["passwd", "-5", "-salt", salt(), "-stdin"], {
    input: `${password}\n`,
  })
    .toString()
    .trim();
}

function salt(): string {
  return randomBytes(8).toString("hex");
}
