import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";

/** A web server on this machine that has one disk image. */
export class ImageServer {
  private constructor(private readonly server: http.Server) {}

  static start(file: string): Promise<ImageServer> {
    const image = fs.readFileSync(file);
    const server = http.createServer((request, response) => {
      response.writeHead(200, { "content-length": image.length });
      response.end(request.method === "HEAD" ? undefined : image);
    });
    return new Promise((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve(new ImageServer(server)));
    });
  }

  /** Address of the image. */
  get url(): string {
    const { port } = this.server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/image.qcow2`;
  }

  stop(): void {
    this.server.close();
  }
}
