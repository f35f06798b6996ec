import * as http from "node:http";
import type { AddressInfo } from "node:net";

/** A web server on this machine that can go away in the middle of an answer. */
export class FlakyServer {
  /** Whether answers break off half-way. */
  breakOff = false;

  private constructor(
    private readonly server: http.Server,
    private readonly address: string,
  ) {}

  /**
   * @param address of this machine, as whoever asks reaches it.
   * @param files what it has, by their paths.
   */
  static start(
    address: string,
    files: Readonly<Record<string, Buffer>>,
  ): Promise<FlakyServer> {
    const server = http.createServer();
    const flaky = new FlakyServer(server, address);
    server.on("request", (request, response) => {
      const file = files[request.url ?? ""];
      response.writeHead(file === undefined ? 404 : 200, {
        "content-length": file?.length ?? 0,
      });
      if (flaky.breakOff && file !== undefined) {
        response.write(file.subarray(0, file.length / 2), () =>
          response.destroy(),
        );
      } else {
        response.end(file);
      }
    });
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, address, () => resolve(flaky));
    });
  }

  get url(): string {
    const { port } = this.server.address() as AddressInfo;
    return `http://${this.address}:${port}`;
  }

  stop(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}
