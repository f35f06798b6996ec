import * as fs from "node:fs";

/** An account that a process can run as. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Whom the server runs as; undefined for this process's own user, who is not root. */
export function serverAccount(): Account | undefined {
  if (process.getuid?.() !== 0) {
    return undefined;
  }
  const accounts = parseAccounts(fs.readFileSync("/etc/passwd", "utf8"));
  const account = ["postgres", "nobody"]
    .map((name) => accounts.find((entry) => entry.name === name))
    .find((entry) => entry !== undefined);
  if (account === undefined) {
    throw new Error(
      "PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody.",
    );
  }
  return account;
}

/** The accounts in the text of /etc/passwd. */
export function parseAccounts(passwd: string): Account[] {
  return passwd
    .split("\n")
    .map((line) => line.split(":"))
    .filter((fields) => fields.length >= 4)
    .map(([name = "", , uid, gid]) => {
      return { name, uid: Number(uid), gid: Number(gid) };
    });
}
