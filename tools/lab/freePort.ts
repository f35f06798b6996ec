import { once } from "node:events";
import * as net from "node:net";

/** A TCP port of 127.0.0.1 that is free now. Listen soon: the kernel gives it to the next who asks. */
export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}

/** Several free TCP ports of 127.0.0.1, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () =>
    net.createServer().listen(0, "127.0.0.1"),
  );
  const ports: number[] = [];
  for (const server of servers) {
    if (!server.listening) {
      await once(server, "listening");
    }
    ports.push((server.address() as net.AddressInfo).port);
  }
  // Not before all are known: the kernel would give one of them twice.
  for (const server of servers) {
    server.close();
    await once(server, "close");
  }
  return ports;
}
