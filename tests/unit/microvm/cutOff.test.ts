import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import execa from "execa";
import { imagePaths } from "@corral-iac/corral/core/microvm/paths";
import {
  call,
  FUNCTIONS,
} from "@corral-iac/corral/core/microvm/scripts/hostScript";
import {
  claimScript,
  releaseScript,
  uploadScript,
} from "@corral-iac/corral/core/microvm/scripts/images";
import { wholeOrNothing } from "@corral-iac/corral/core/wholeOrNothing";
import { endWorkScript } from "@corral-iac/corral/microvm/inventory/removal";
import { listScript } from "@corral-iac/corral/microvm/inventory/listing";
import { becomes } from "@corral-iac/tools/lab/processes";

import { ScratchHost } from "./scratchHost";

const id = "0123456789abcdef";
const other = "fedcba9876543210";

// What a connection leaves on a host that breaks off without the host noticing.
describe("a step that nobody waits for any more", function () {
  this.timeout(30_000);
  let host: ScratchHost;
  let file: string;

  beforeEach(() => {
    host = new ScratchHost();
    file = `${host.paths.run}/some.lock`;
  });
  afterEach(() => host.remove());

  const begun = () => `${host.folder}/begun`;
  /** Holds the lock until it is ended. */
  const stuck = async (key: string) => {
    const run = host.run(
      `${call("lock", file, key)}\n: >${call(begun())}\nwhile :; do sleep 1; done`,
      { abandoned: true },
    );
    assert.ok(await becomes(() => fs.existsSync(begun()), 10));
    return { run };
  };
  const lock = (key: string) =>
    host.run(`${call("lock", file, key)}\necho mine`);

  it("is ended by the next attempt at the same thing, which goes on at once", async () => {
    const first = await stuck(id);
    const began = Date.now();
    const second = await lock(id);
    assert.equal(second.stdout.trim(), "mine", second.stderr);
    assert.ok(Date.now() - began < 10_000);
    assert.equal((await first.run).code, null, "it was killed");
  });

  it("is waited for by others", async () => {
    const first = await stuck(id);
    const second = lock(other);
    const isOver = await Promise.race([
      second.then(() => true),
      new Promise<false>((no) => setTimeout(() => no(false), 1000)),
    ]);
    assert.equal(isOver, false);
    await lock(id);
    await first.run;
    assert.equal((await second).stdout.trim(), "mine");
  });

  it("is told by the listing, and ended by its stamp alone", async () => {
    const first = await stuck(`${id}/0`);
    const look = async () =>
      (await host.run(listScript(host.paths))).stdout.trim();
    assert.equal(await look(), `atWork ${id}/0`);
    await host.run(endWorkScript([other], host.paths));
    assert.equal(await look(), `atWork ${id}/0`);
    await host.run(endWorkScript([other, id], host.paths));
    assert.equal(await look(), "");
    await first.run;
  });

  it("is in nobody else's way when it is an image's transfer, and leaves nothing of it", async () => {
    const content = "a kernel";
    const sha256 = createHash("sha256").update(content).digest("hex");
    const use = (user: string) => ({ sha256, user: `${user}-12345678` });
    const partials = () =>
      host.files().filter((name) => name.includes("partial-"));
    await host.run(claimScript(use(id), host.paths));
    const first = host.run(uploadScript(use(id), host.paths), {
      input: "a ker",
      abandoned: true,
    });
    assert.ok(await becomes(() => partials().length === 1, 10));

    await host.run(claimScript(use(other), host.paths));
    const second = await host.run(uploadScript(use(other), host.paths), {
      input: content,
    });
    assert.equal(second.code, 0, second.stderr);
    assert.equal(
      fs.readFileSync(imagePaths(sha256, host.paths).file, "utf8"),
      content,
    );
    await host.run(releaseScript(use(id), host.paths));
    assert.equal((await first).code, null, "it was killed");
    assert.deepEqual(partials(), []);
    await host.run(releaseScript(use(other), host.paths));
    assert.deepEqual(host.files(), []);
    assert.ok(!fs.existsSync(host.paths.run));
  });
});

describe("a script of which not all has come", () => {
  it("does nothing at all, wherever it was cut off", async () => {
    const script = wholeOrNothing(
      `${FUNCTIONS}\necho did "something"\ncat <<'END'\na text\nEND\nif true; then\n  echo more\nfi`,
    );
    const run = async (text: string) =>
      (await execa("sh", ["-s"], { input: text, reject: false })).stdout;
    assert.equal(await run(script), "did something\na text\nmore");
    const line = script.indexOf("echo did");
    for (const end of [line + 8, line + 22, line + 40, script.length - 3]) {
      assert.equal(await run(script.slice(0, end)), "", String(end));
    }
  });
});
