import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";

import { parseFound, taskFor } from "@corral-iac/corral-ops/guest/files/found";
import type { FoundFile } from "@corral-iac/corral-ops/guest/files/found";
import { keyOf, line, quote } from "@corral-iac/corral-ops/guest/files/words";
import fc from "fast-check";

describe("lines for the guest's shell", () => {
  it("carry any text as one word, and never end the line", () => {
    const anyText = fc
      .string({ unit: "binary", maxLength: 60 })
      .map((text) => text.replaceAll("\0", ""));
    const texts = [
      ...["", "'", "''", "\n", "a\n'b", "$(id)`id`", '\\"', "*", "-n", " "],
      ...fc.sample(anyText, 300).map((text) => Buffer.from(text).toString()),
    ];
    const lines = texts.map((text) => `printf '%s\\0' ${quote(text)}`);
    assert.ok(lines.every((text) => !text.includes("\n")));
    const script = `nl='\n'\nwhile IFS= read -r line; do eval "$line"; done`;
    const said = execFileSync("sh", ["-c", script], {
      input: `${lines.join("\n")}\n`,
    });
    assert.deepEqual(said.toString().split("\0").slice(0, -1), texts);
  });

  it("call a function with its words", () => {
    assert.equal(line("put", 3, "it's", 17), `put '3' 'it'\\''s' '17'`);
  });

  it("name a path in the store by a name that is always the same and good for a file", () => {
    assert.equal(keyOf("/etc/motd"), keyOf("/etc/motd"));
    assert.notEqual(keyOf("/etc/motd"), keyOf("/etc/motd2"));
    assert.match(keyOf("/etc/motd"), /^[0-9a-f]{32}$/);
  });
});

describe("what a look into the guest found", () => {
  const hash = (digit: string) => digit.repeat(64);

  it("is read in the order of the paths", () => {
    const lines = [
      ...["none", "file", "folder", "link", "file", "other"],
      "0 0 644 root root",
      "1000 33 4750 UNKNOWN www-data",
      `${hash("a")}  /a`,
      `\\${hash("b")}  /b\\nc`,
    ];
    assert.deepEqual(parseFound(6, lines), [
      { is: "none" },
      {
        ...{ is: "file", hash: hash("a"), mode: "0644" },
        ...{ ownerId: "0", groupId: "0", owner: "root", group: "root" },
      },
      { is: "folder" },
      { is: "link" },
      {
        ...{ is: "file", hash: hash("b"), mode: "4750" },
        ...{ ownerId: "1000", groupId: "33", owner: "1000", group: "www-data" },
      },
      { is: "other" },
    ]);
  });

  it("is refused with the guest's words where a file could not be read", () => {
    const lines = [
      "file",
      "0 0 644 root root",
      "sha256sum: /a: Input/output error",
    ];
    assert.throws(() => parseFound(1, lines), /Input\/output error/);
    assert.throws(() => parseFound(2, ["file"]), /changed meanwhile/);
  });

  const found: FoundFile = {
    ...{ is: "file", hash: hash("a"), mode: "0644" },
    ...{ ownerId: "33", groupId: "33", owner: "www", group: "www" },
  };
  const wanted = { hash: hash("a"), owner: "www", group: "33", mode: "644" };

  it("needs nothing where all is as wanted, by name or number", () => {
    assert.equal(taskFor(wanted, found), "nothing");
  });

  it("needs the content only where it differs", () => {
    assert.equal(taskFor({ ...wanted, mode: "0600" }, found), "copy");
    assert.equal(taskFor({ ...wanted, owner: "root" }, found), "copy");
    assert.equal(taskFor({ ...wanted, hash: hash("b") }, found), "send");
    for (const is of ["none", "link"] as const) {
      assert.equal(taskFor(wanted, { is }), "send");
    }
  });
});
