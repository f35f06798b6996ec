import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";

import { downloadRelease } from "@corral-iac/tools/toolchain/download";
import { pins, type Release } from "@corral-iac/tools/toolchain/pins";

/** The official releases cannot be reached from every machine: a server here stands for them. */
describe("toolchain: official releases", () => {
  let folder: string;
  let server: http.Server;
  let address: string;
  const files = new Map<string, Buffer>();

  before((done) => {
    server = http.createServer((request, response) => {
      const content = files.get(request.url ?? "");
      response.writeHead(content ? 200 : 404).end(content);
    });
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      address = `http://127.0.0.1:${port}`;
      done();
    });
  });
  after((done) => {
    server.close(done);
    server.closeAllConnections();
  });

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-release-"));
    fs.mkdirSync(path.join(folder, "packed/pulumi"), { recursive: true });
    fs.mkdirSync(path.join(folder, "into"));
    const source = path.join(folder, "packed/pulumi", pins.pulumi.binary);
    fs.writeFileSync(source, "the program");
    const archive = path.join(folder, "made.tar.gz");
    execFileSync("tar", [
      "-czf",
      archive,
      "-C",
      path.dirname(path.dirname(source)),
      "pulumi",
    ]);
    files.clear();
    files.set("/pulumi.tar.gz", fs.readFileSync(archive));
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  const fetchPulumi = async (member = "pulumi/pulumi"): Promise<void> => {
    const release: Release = {
      url: `${address}/pulumi.tar.gz`,
      checksumsUrl: `${address}/sums.txt`,
      member,
    };
    const archives = path.join(folder, "archives");
    await downloadRelease(
      pins.pulumi,
      release,
      path.join(folder, "into"),
      archives,
    );
  };

  const announce = (sum: string): void => {
    files.set("/sums.txt", Buffer.from(`${sum}  pulumi.tar.gz\n`));
  };
  const rightSum = (): string =>
    createHash("sha256")
      .update(files.get("/pulumi.tar.gz") ?? "")
      .digest("hex");

  it("are held against their checksum and unpacked as an executable", async () => {
    announce(rightSum());
    await fetchPulumi();
    const target = path.join(folder, "into/pulumi");
    assert.equal(fs.readFileSync(target, "utf8"), "the program");
    assert.equal(fs.statSync(target).mode & 0o111, 0o111);
    assert.deepEqual(fs.readdirSync(path.join(folder, "into")), ["pulumi"]);
  });

  it("are loaded once for several binaries in one archive", async () => {
    announce(rightSum());
    await fetchPulumi();
    files.clear();
    await fetchPulumi();
  });

  it("with another checksum are not used", async () => {
    announce("0".repeat(64));
    await assert.rejects(fetchPulumi(), /its release says 0000.*not used/);
    assert.deepEqual(fs.readdirSync(path.join(folder, "into")), []);
    announce(rightSum());
    await fetchPulumi();
  });

  it("without checksums are not used", async () => {
    await assert.rejects(fetchPulumi(), /404/);
  });

  it("without the binary are an error that says so", async () => {
    announce(rightSum());
    await assert.rejects(fetchPulumi("pulumi/other"), /pulumi\/other/);
  });
});
