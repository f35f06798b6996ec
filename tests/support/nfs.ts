import * as net from "node:net";
import { NfsServer } from "@corral-iac/tools/lab/nfs/server";
import { becomes } from "@corral-iac/tools/lab/processes";

export { NfsServer };

/** The engine starts, and makes the network, meanwhile. */
const ADDRESS_SECONDS = 180;

/**
 * Starts a real NFS server with the exports `/rw`, `/ro` and `/refused`; the caller stops it.
 *
 * @param address of this machine that guests reach, for instance the first one of a libvirt network;
 *   it is waited for.
 */
export async function startNfs(address: string): Promise<NfsServer> {
  if (!(await becomes(() => isOwnAddress(address), ADDRESS_SECONDS))) {
    throw new Error(
      `this machine has no address ${address} after ${ADDRESS_SECONDS} s`,
    );
  }
  return NfsServer.start(address);
}

/** Node's list of interfaces leaves out a bridge that no guest is on yet; a socket can tell. */
function isOwnAddress(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once("error", () => resolve(false));
    server.listen(0, address, () => server.close(() => resolve(true)));
  });
}
