import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";

import { Asset } from "@corral-iac/corral-ops/frame/value";
import fc from "fast-check";

import { eventually } from "../provider/sshServer";
import { ID, OTHER_ID, ScratchGuest, sha256 } from "./scratchGuest";

describe("files in a guest, by OpenSSH's server and a real shell", () => {
  const scratch = new ScratchGuest();
  const { at, read, put, mode, file, run, write, remove, wrap } = scratch;
  const { everything, leftovers, fault, lines, tools } = scratch;

  before(() => scratch.start());
  after(() => scratch.stop());
  beforeEach(() => scratch.renew());

  it("makes folders and files as declared, and nothing else", async () => {
    const big = path.join(scratch.folder, "big");
    const bytes = Buffer.alloc(
      3 * 1024 * 1024 + 17,
      "\0\n'corral\xff",
      "latin1",
    );
    fs.writeFileSync(big, bytes);
    await write(
      file("etc/motd", "hello\n", { mode: "640" }),
      file("etc/empty", ""),
      file("opt/app/bin/run", "#!/bin/sh\n", { mode: "4755" }),
      file("opt/app/big", new Asset(sha256(bytes), { path: big })),
    );
    assert.equal(read("etc/motd"), "hello\n");
    assert.equal(read("etc/empty"), "");
    assert.ok(fs.readFileSync(at("opt/app/big")).equals(bytes));
    assert.deepEqual(
      ["etc", "etc/motd", "opt/app/bin/run", "opt/app/big"].map(mode),
      ["755", "640", "4755", "644"],
    );
    assert.deepEqual(leftovers(), []);
    assert.equal(mode("records/files"), "700");
  });

  it("gives files and the folders it makes to owner and group", async function () {
    if (process.getuid?.() !== 0) {
      this.skip();
    }
    await write(file("home/app/x", "x", { owner: "12", group: "34" }));
    for (const name of ["home/app", "home/app/x"]) {
      const stat = fs.statSync(at(name));
      assert.deepEqual([stat.uid, stat.gid], [12, 34], name);
    }
    assert.equal(fs.statSync(at("")).uid, 0);
  });

  it("writes any number of files by one command over one connection", async () => {
    const logins = scratch.server.logins();
    const files = Array.from({ length: 250 }, (_, i) => file(`many/f${i}`));
    const { written } = await write(...files);
    assert.equal(written.size, 250);
    assert.equal(fs.readdirSync(at("many")).length, 250);
    assert.ok(scratch.server.logins() - logins <= 1);
  });

  it("works with BusyBox too", async () => {
    const shell = scratch.busyBox();
    put("a", "old\n");
    fs.symlinkSync(tools, at("link"));
    const bytes = Buffer.alloc(300_001, "\0busy\n");
    const files = [
      file("a"),
      file("d/link", "", { mode: "0600" }),
      file("link"),
      file("d/it's\n$odd", new Asset(sha256(bytes), { path: at("source") })),
    ];
    fs.writeFileSync(at("source"), bytes);
    const written = files.map(({ destination }) => destination);
    const outcome = await run({ files }, { shell });
    assert.deepEqual(
      [fault(outcome), [...outcome.written].sort()],
      [undefined, written.sort()],
    );
    assert.ok(fs.readFileSync(at("d/it's\n$odd")).equals(bytes));
    assert.deepEqual(
      [read("a"), read("d/link"), mode("d/link")],
      ["content of a\n", "", "600"],
    );
    assert.ok(fs.lstatSync(at("link")).isFile());
    const { ino } = fs.statSync(at("a"));
    assert.equal(fault(await run({ files }, { shell })), undefined);
    assert.equal(fs.statSync(at("a")).ino, ino);
    const changed = [file("a", "two", { owner: "no-such-user" })];
    await assert.rejects(
      run({ files: changed }, { shell }),
      /no user "no-such-user"/,
    );
    const gone = await run({ removed: written, forget: true }, { shell });
    assert.equal(fault(gone), undefined);
    assert.deepEqual(
      [read("a"), fs.readlinkSync(at("link"))],
      ["old\n", tools],
    );
    assert.deepEqual(everything(), ["a", "link", "source"]);
  });

  it("takes any name that a file can have", async () => {
    const name = fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 40 })
      .map((text) => text.replaceAll("/", "%").replaceAll("\0", "0"))
      .filter((text) => text !== "." && text !== "..");
    const odd = [
      "-rf",
      "a b",
      "'",
      '"',
      "$(id)",
      "`id`",
      "\n",
      "a\nb",
      "\\",
      "*",
      "~",
      "x\\n",
      "é",
      "%s",
      " ",
    ];
    const names = [...new Set([...odd, ...fc.sample(name, 60)])].filter(
      (text) => Buffer.byteLength(text) <= 200,
    );
    const files = names.map((one) => file(`odd/${one}/${one}`, one));
    await write(...files);
    for (const one of names) {
      assert.equal(read(`odd/${one}/${one}`), one);
    }
    const again = await run({ files });
    assert.equal(again.written.size, names.length);
    await remove({}, ...names.map((one) => `odd/${one}/${one}`));
    assert.deepEqual(everything(), []);
  });

  it("does not touch what is as declared, and only that", async () => {
    await write(file("a"), file("b"), file("c"));
    const seen = () =>
      ["a", "b", "c"]
        .map((name) => fs.statSync(at(name)))
        .map(({ ino, mtimeMs, ctimeMs }) => ({ ino, mtimeMs, ctimeMs }));
    const before = seen();
    put("b", "changed by hand");
    fs.chmodSync(at("c"), 0o600);
    await write(file("a"), file("b"), file("c"));
    const after = seen();
    assert.deepEqual(after[0], before[0]);
    assert.notEqual(after[1]?.ino, before[1]?.ino);
    assert.equal(read("b"), "content of b\n");
    assert.equal(mode("c"), "644");
  });

  it("sends nothing over the line where only owner or permissions differ", async () => {
    put("a", "there already\n");
    const elsewhere = new Asset(sha256("there already\n"), {
      path: path.join(scratch.folder, "not there"),
    });
    await write(file("a", elsewhere, { mode: "0600" }));
    assert.equal(read("a"), "there already\n");
    assert.equal(mode("a"), "600");
  });

  it("replaces symbolic links and never follows them", async () => {
    put("target", "untouched\n");
    fs.mkdirSync(at("folder"));
    fs.symlinkSync(at("target"), at("to-file"));
    fs.symlinkSync(at("folder"), at("to-folder"));
    fs.symlinkSync(at("nowhere"), at("to-nothing"));
    const names = ["to-file", "to-folder", "to-nothing"];
    await write(...names.map((name) => file(name)));
    assert.ok(names.every((name) => fs.lstatSync(at(name)).isFile()));
    assert.equal(read("target"), "untouched\n");
    assert.deepEqual(fs.readdirSync(at("folder")), []);
    await remove({}, ...names);
    assert.deepEqual(
      names.map((name) => fs.readlinkSync(at(name))),
      [at("target"), at("folder"), at("nowhere")],
    );
  });

  it("names every destination that is no file, and touches nothing", async () => {
    fs.mkdirSync(at("folder"));
    await assert.rejects(
      run({
        files: [
          file("a"),
          file("folder"),
          { ...file("x"), destination: "/dev/null" },
        ],
      }),
      (error: Error) => {
        assert.match(error.message, /folder is a folder in the guest/);
        assert.match(error.message, /\/dev\/null is no regular file/);
        return true;
      },
    );
    assert.deepEqual(everything(), ["folder"]);
  });

  it("names every user and group that is missing, and touches nothing", async () => {
    const files = [
      file("a"),
      file("b", "b", { owner: "nobody-knows" }),
      file("c", "c", { group: "no-such-group" }),
    ];
    await assert.rejects(run({ files }), (error: Error) => {
      assert.match(error.message, /no user "nobody-knows"/);
      assert.match(error.message, /no group "no-such-group"/);
      return true;
    });
    assert.deepEqual(everything(), []);
  });

  it("says where a folder cannot be made, before any file is written", async () => {
    put("file", "a file\n");
    const outcome = await run({ files: [file("a"), file("file/below/x")] });
    assert.match(fault(outcome) ?? "", /file is there and is no folder/);
    assert.deepEqual(outcome.written.size, 0);
    assert.ok(!fs.existsSync(at("a")));
  });

  it("lets nobody else read a file at any time before it is in its place", async () => {
    const log = path.join(scratch.folder, "seen");
    wrap(
      "sha256sum",
      `stat -c '%a %n' . .. "$PWD" "$@" >>${log} 2>&1; exec $real "$@"`,
    );
    await write(file("etc/secret", "hush", { mode: "0600" }));
    const seen = fs.readFileSync(log, "utf8");
    assert.match(seen, new RegExp(`^700 .*etc/.corral-${ID}$`, "m"));
    assert.match(seen, /^600 .\/secret$/m);
    assert.equal(mode("etc/secret"), "600");
  });

  it("shows no content in the guest's process list", async () => {
    const log = path.join(scratch.folder, "processes");
    wrap("dd", `ps -eo args >>${log}; exec $real "$@"`);
    wrap("mv", `ps -eo args >>${log}; exec $real "$@"`);
    await write(file("secret", "correct-horse-battery"));
    const seen = fs.readFileSync(log, "utf8");
    assert.match(seen, /dd of=\.\/secret/);
    assert.ok(!seen.includes("correct-horse"));
    assert.ok(!seen.includes(sha256("correct-horse-battery")));
  });

  it("tells how far a big file is", async () => {
    const source = path.join(scratch.folder, "slow");
    const bytes = Buffer.alloc(24 * 1024 * 1024, "x");
    fs.writeFileSync(source, bytes);
    wrap("dd", 'case $* in *of=*) sleep 1.2 ;; esac; exec $real "$@"');
    await write(file("big", new Asset(sha256(bytes), { path: source })));
    assert.equal(fs.statSync(at("big")).size, bytes.length);
    assert.match(lines[0] ?? "", /big: \d+ of 24 MiB$/);
  });
  describe("when files are not wanted any more", () => {
    it("restores what was there, with its owner, permissions and times", async () => {
      put("etc/old", "old content\n");
      fs.chmodSync(at("etc/old"), 0o604);
      fs.utimesSync(at("etc/old"), 1_000_000, 1_000_000);
      const before = fs.statSync(at("etc/old"));
      await write(file("etc/old", "one"), file("etc/new/x"));
      await write(file("etc/old", "two"), file("etc/new/x"));
      await remove({}, "etc/old", "etc/new/x");
      const { mode, mtimeMs, uid, gid } = fs.statSync(at("etc/old"));
      assert.deepEqual(
        { mode, mtimeMs, uid, gid },
        {
          mode: before.mode,
          mtimeMs: before.mtimeMs,
          uid: before.uid,
          gid: before.gid,
        },
      );
      assert.equal(read("etc/old"), "old content\n");
      assert.deepEqual(everything(), ["etc", "etc/old"]);
    });

    it("removes them by choice, also those that were there already", async () => {
      put("a", "old\n");
      put("same", "content of same\n");
      await run({ files: [file("a"), file("same")], onDelete: "remove" });
      assert.ok(!everything().some((name) => name.endsWith(".before")));
      await remove({ onDelete: "remove" }, "a", "same");
      assert.deepEqual(everything(), []);
    });

    it("leaves files that it found as declared, where it restores", async () => {
      put("same", "content of same\n");
      await write(file("same"));
      await remove({}, "same");
      assert.equal(read("same"), "content of same\n");
    });

    it("removes single ones and keeps the others and their folders", async () => {
      await write(file("d/a"), file("d/e/b"));
      await run({ files: [file("d/a")], removed: [at("d/e/b")] });
      assert.ok(fs.existsSync(at("d/a")));
      assert.ok(!fs.existsSync(at("d/e")));
    });

    it("leaves a folder that it made and somebody else uses", async () => {
      await write(file("d/e/a"));
      put("d/e/foreign", "x");
      await remove({}, "d/e/a");
      assert.deepEqual(everything(), ["d", "d/e", "d/e/foreign"]);
    });

    it("leaves a folder that stands where the file was, and says so", async () => {
      await write(file("a"));
      fs.rmSync(at("a"));
      put("a/x", "x");
      await remove({}, "a");
      assert.equal(read("a/x"), "x");
      assert.match(lines.join(), /a is a folder in the guest by now/);
    });

    it("leaves what it never wrote in this guest", async () => {
      put("a", "of another machine\n");
      await remove({}, "a", "gone");
      assert.equal(read("a"), "of another machine\n");
    });

    it("leaves a file that another FileInjection has taken over, with what was there first", async () => {
      put("a", "first\n");
      await write(file("a", "mine"));
      await eventually("the clock has moved on", async () => {
        await run({ id: OTHER_ID, files: [file("a", "theirs")] });
        const [mine, theirs] = [ID, OTHER_ID].map((id) =>
          fs
            .readdirSync(path.join(scratch.store, id))
            .filter((name) => name.endsWith(".path"))
            .map(
              (name) => fs.statSync(path.join(scratch.store, id, name)).mtimeMs,
            ),
        );
        return (theirs?.[0] ?? 0) > (mine?.[0] ?? 0);
      });
      await remove({}, "a");
      assert.equal(read("a"), "theirs");
      await remove({ id: OTHER_ID }, "a");
      assert.equal(read("a"), "first\n");
    });
  });
});
