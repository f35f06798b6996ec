import { SshPool } from "./pool";

let shared: SshPool | undefined;

/** The one pool of this process. */
export function sshPool(): SshPool {
  shared ??= new SshPool();
  return shared;
}

/** Closes every connection, if there ever was one. */
export function closeSshPool(): void {
  shared?.close();
}
