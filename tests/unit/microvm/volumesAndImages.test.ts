import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import {
  imagePaths,
  machinePaths,
  volumePaths,
} from "@corral-iac/corral/core/microvm/paths";
import {
  Answer,
  recordText,
} from "@corral-iac/corral/core/microvm/scripts/hostScript";
import {
  claimScript,
  releaseAllScript,
  releaseScript,
  uploadScript,
} from "@corral-iac/corral/core/microvm/scripts/images";
import {
  lookScript,
  makeScript,
  removeScript,
  updateScript,
} from "@corral-iac/corral/core/microvm/scripts/volumes";
import type { VolumeWish } from "@corral-iac/corral/core/microvm/scripts/volumes";

import { planWith } from "./plans";
import { ScratchHost } from "./scratchHost";

const { stamp } = planWith();
const MIB = 1024 ** 2;

describe("volumes on a host, by the real shell", function () {
  this.timeout(60_000);
  let host: ScratchHost;

  beforeEach(() => {
    host = new ScratchHost();
  });
  afterEach(() => host.remove());

  const wish = (changes: Partial<VolumeWish> = {}): VolumeWish => ({
    stamp,
    machine: "corral-dev-web",
    volume: "data",
    sizeBytes: 8 * MIB,
    keep: false,
    ...changes,
  });
  const make = (changes?: Partial<VolumeWish>) =>
    host.run(makeScript(wish(changes), host.paths));
  const file = () => volumePaths("corral-dev-web", "data", host.paths).file;
  /** The label of ext4's superblock. */
  const label = () =>
    fs
      .readFileSync(file())
      .subarray(1024 + 120, 1024 + 124)
      .toString();
  const mark = (text: string) => {
    const handle = fs.openSync(file(), "r+");
    fs.writeSync(handle, text, 0);
    fs.closeSync(handle);
  };
  const marked = () => fs.readFileSync(file()).subarray(0, 5).toString();

  it("are made, formatted and labelled once, and grown without losing anything", async () => {
    const made = await make();
    assert.equal(made.code, 0, made.stderr);
    assert.equal(new Answer(made.stdout).must("file"), file());
    assert.equal(fs.statSync(file()).size, 8 * MIB);
    assert.equal(label(), "data");
    mark("mine!");
    const again = await make();
    assert.equal(again.code, 0);
    const grown = await host.run(
      updateScript(wish({ sizeBytes: 16 * MIB }), host.paths),
    );
    assert.equal(new Answer(grown.stdout).must("size"), String(16 * MIB));
    assert.equal(marked(), "mine!");
    const smaller = await host.run(
      updateScript(wish({ sizeBytes: 4 * MIB }), host.paths),
    );
    assert.equal(new Answer(smaller.stdout).must("size"), String(16 * MIB));
  });

  it("are whole or not there, wherever their making is cut off", async () => {
    for (const killAfter of [3, 8, 12, 20, 40]) {
      await host.run(makeScript(wish(), host.paths), { killAfter });
      const finished = await make();
      assert.equal(finished.code, 0, finished.stderr);
      assert.equal(label(), "data");
      await host.run(removeScript(wish(), host.paths));
      assert.deepEqual(host.files(), []);
    }
  });

  it("that were lost are an error, and not made again", async () => {
    await make();
    fs.rmSync(file());
    for (const run of [
      await make(),
      await host.run(updateScript(wish(), host.paths)),
    ]) {
      assert.equal(run.code, 65);
      assert.match(run.stderr, /is missing: it is never made anew/);
    }
    assert.ok(!fs.existsSync(file()));
    const look = await host.run(lookScript(wish(), host.paths));
    assert.equal(look.stdout.trim(), "volume missing");
    await host.run(removeScript(wish(), host.paths));
    assert.equal((await make()).code, 0);
  });

  for (const keep of [true, false]) {
    it(`that were lost are made anew by what their error says, ${keep ? "kept ones too" : "where they are not kept"}`, async () => {
      const update = () => host.run(updateScript(wish({ keep }), host.paths));
      await make({ keep });
      mark("mine!");
      fs.rmSync(file());
      const refused = await update();
      const [, record = ""] =
        /remove (\S+) on the host too, and run up --refresh/.exec(
          refused.stderr,
        ) ?? [];
      fs.rmSync(record);
      const anew = await update();
      assert.equal(anew.code, 0, anew.stderr);
      assert.equal(new Answer(anew.stdout).get("anew"), "yes");
      assert.equal(label(), "data");
      assert.notEqual(marked(), "mine!");
      // It is one as any other from then on.
      const next = await update();
      assert.equal(new Answer(next.stdout).get("anew"), undefined);
      assert.equal(new Answer(next.stdout).must("size"), String(8 * MIB));
      // The same says one that is put into the program again.
      fs.rmSync(file());
      assert.ok((await make({ keep })).stderr.includes(`remove ${record} on`));
      fs.rmSync(record);
      assert.equal((await make({ keep })).code, 0);
    });
  }

  it("are not made anew where all of their machine is gone, as without the host's disk", async () => {
    await make();
    fs.rmSync(path.dirname(file()), { recursive: true });
    const run = await host.run(updateScript(wish(), host.paths));
    assert.equal(run.code, 65);
    assert.match(run.stderr, /is missing: it is never made anew/);
    assert.ok(!fs.existsSync(path.dirname(file())));
  });

  it("that are made anew are whole or not there, wherever that is cut off", async () => {
    const { record } = volumePaths("corral-dev-web", "data", host.paths);
    await make();
    for (const killAfter of [3, 8, 12, 20, 40]) {
      fs.rmSync(file());
      fs.rmSync(record);
      await host.run(updateScript(wish(), host.paths), { killAfter });
      const finished = await host.run(updateScript(wish(), host.paths));
      assert.equal(finished.code, 0, finished.stderr);
      assert.equal(label(), "data");
    }
  });

  it("of others are left alone", async () => {
    await make();
    mark("mine!");
    const other = { ...stamp, id: "f".repeat(16) };
    assert.equal((await make({ stamp: other })).code, 75);
    await host.run(removeScript({ ...wish(), stamp: other }, host.paths));
    assert.equal(marked(), "mine!");
  });

  it("that were kept are taken up again, by another machine too, and only when asked", async () => {
    await make({ keep: true });
    mark("mine!");
    const next = { stamp: { ...stamp, id: "f".repeat(16) }, keep: true };
    assert.equal((await make(next)).code, 75);
    const adopted = await make({ ...next, adopt: "corral-dev-web/data" });
    assert.equal(adopted.code, 0, adopted.stderr);
    assert.equal(marked(), "mine!");
    const moved = await host.run(
      makeScript(
        wish({
          stamp: { ...stamp, id: "e".repeat(16) },
          machine: "corral-dev-db",
          volume: "store",
          adopt: "corral-dev-web/data",
        }),
        host.paths,
      ),
    );
    assert.equal(moved.code, 0, moved.stderr);
    assert.deepEqual(
      host.files().filter((path) => /\.(raw|json)$/.test(path)),
      ["volumes/corral-dev-db/store.json", "volumes/corral-dev-db/store.raw"],
    );
  });

  it("that are not to keep are not adopted", async () => {
    await make();
    const run = await make({
      stamp: { ...stamp, id: "f".repeat(16) },
      adopt: "corral-dev-web/data",
    });
    assert.match(run.stderr, /is no volume that was kept/);
  });

  it("become a copy of an image, at least as large", async () => {
    const image = `${host.folder}/image`;
    fs.writeFileSync(image, Buffer.alloc(2 * MIB, "x"));
    assert.match(
      (await make({ image, sizeBytes: MIB })).stderr,
      /ask for a larger one/,
    );
    assert.deepEqual(host.files(), ["volumes"]);
    assert.equal((await make({ image, sizeBytes: 4 * MIB })).code, 0);
    assert.equal(fs.statSync(file()).size, 4 * MIB);
    assert.equal(marked(), "xxxxx");
  });
});

describe("images on a host, by the real shell", () => {
  let host: ScratchHost;
  const content = "a kernel";
  const sha256 = createHash("sha256").update(content).digest("hex");
  const use = (user: string) => ({ sha256, user });

  beforeEach(() => {
    host = new ScratchHost();
  });
  afterEach(() => host.remove());

  const claim = async (user: string) =>
    (await host.run(claimScript(use(user), host.paths))).stdout.trim();
  const upload = (input: string) =>
    host.run(uploadScript(use("a"), host.paths), { input });
  const release = (user: string) =>
    host.run(releaseScript(use(user), host.paths));

  it("are brought once, shared, and taken away with the last who needs them", async () => {
    assert.equal(await claim("a"), "image missing");
    assert.equal((await upload(content)).code, 0);
    assert.equal(await claim("b"), "image there");
    const { file } = imagePaths(sha256, host.paths);
    assert.equal(fs.readFileSync(file, "utf8"), content);
    await release("a");
    assert.ok(fs.existsSync(file));
    await release("b");
    assert.deepEqual(host.files(), []);
  });

  it("stay while a machine of the same stamp starts with them, and go with all that has its stamp", async () => {
    const mine = `${stamp.id}-12345678`;
    await claim(mine);
    await upload(content);
    const { file } = imagePaths(sha256, host.paths);
    const machine = machinePaths("corral-dev-web", host.paths);
    fs.mkdirSync(machine.folder, { recursive: true });
    fs.writeFileSync(machine.record, recordText(stamp, { kernel: file }));
    await release(mine);
    assert.ok(fs.existsSync(file));
    fs.rmSync(machine.record);
    await claim("aaaaaaaaaaaaaaaa-12345678");
    const all = () => host.run(releaseAllScript(stamp.id, host.paths));
    await all();
    assert.ok(fs.existsSync(file));
    await release("aaaaaaaaaaaaaaaa-12345678");
    assert.ok(!fs.existsSync(file));
    await claim(mine);
    await upload(content);
    await all();
    assert.deepEqual(
      host.files().filter((name) => name.startsWith("images")),
      [],
    );
  });

  it("are refused with another content, and nothing of it stays", async () => {
    await claim("a");
    const { code, stderr } = await upload("something else");
    assert.equal(code, 65);
    assert.match(stderr, new RegExp(`must have ${sha256}`));
    assert.deepEqual(
      host.files().filter((path) => path.includes(sha256.slice(0, 16))),
      [`images/users-${sha256}`, `images/users-${sha256}/a`],
    );
  });
});
