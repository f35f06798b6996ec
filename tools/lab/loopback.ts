import { once } from "node:events";
import type * as net from "node:net";

/** The part of a server of net, http, https or ssh2 that listening needs. */
interface Listener extends NodeJS.EventEmitter {
  listen(port: number, host: string): unknown;
  address(): net.AddressInfo | string | null;
}

/**
 * Listens on 127.0.0.1.
 *
 * @param port default: one that is free.
 * @returns the port.
 * @throws what the server says when it cannot, for instance EADDRINUSE.
 */
export async function listenOnLoopback(
  server: Listener,
  port = 0,
): Promise<number> {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as net.AddressInfo).port;
}
