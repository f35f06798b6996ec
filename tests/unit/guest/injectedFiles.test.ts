import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import {
  destinationProblem,
  foldersAbove,
  nestedDestinations,
} from "@corral-iac/corral/core/guestFiles";
import { LATER } from "@corral-iac/corral/core/later";
import {
  planFiles,
  validateFileInjection,
} from "@corral-iac/corral/guest/injectedFiles";
import { listSource } from "@corral-iac/corral/guest/sourceFiles";

describe("files to inject", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-source-"));
  const put = (name: string, mode = 0o644) => {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), name, { mode });
  };
  const source = (name = "") => path.join(folder, name);

  before(() => {
    put("site/index.html");
    put("site/bin/run", 0o755);
    put("site/.hidden");
    put("other/x");
    fs.symlinkSync("index.html", source("site/link"));
    fs.mkdirSync(source("site/empty"));
    put("bad/good");
    fs.symlinkSync("nowhere", source("bad/broken"));
    fs.symlinkSync("../site", source("bad/tree"));
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  const connection = LATER;
  const faults = (...files: object[]) =>
    validateFileInjection({ connection, files }).map(
      ({ path, problem }) => `${path} ${problem}`,
    );

  describe("a source", () => {
    it("is taken apart to any depth, links to files as files, in a fixed order", () => {
      const { files, problems } = listSource(source("site"));
      assert.deepEqual(problems, []);
      assert.deepEqual(
        files.map(({ within, executable }) => [within, executable]),
        [
          [".hidden", false],
          ["bin/run", true],
          ["index.html", false],
          ["link", false],
        ],
      );
    });

    it("may be a single file", () => {
      assert.deepEqual(listSource(source("site/bin/run")).files, [
        { path: source("site/bin/run"), within: "", executable: true },
      ]);
    });

    it("names all of its parts that cannot be taken", () => {
      const { files, problems } = listSource(source("bad"));
      assert.equal(files.length, 1);
      assert.deepEqual(problems, [
        "holds broken, which is a symbolic link to nothing",
        "holds tree, which is a symbolic link to a folder: put the folder itself there, or declare it as a source of its own",
      ]);
      assert.match(
        listSource(source("missing")).problems.join(),
        /^does not exist on the machine that runs this program; looked from \//,
      );
      assert.deepEqual(listSource("/dev/null").problems, [
        "is neither a file nor a folder",
      ]);
    });

    it("is named from the program's folder where it lies in it, so that no clone's path is kept", () => {
      const here = process.cwd();
      try {
        process.chdir(folder);
        const named = (given: string) =>
          listSource(given).files.map(({ path }) => path);
        // The temporary folder may itself be reached by a link.
        const inside = path.join(process.cwd(), "other");
        assert.deepEqual(named(inside), ["other/x"]);
        assert.deepEqual(named("./other/"), ["other/x"]);
        process.chdir(source("site"));
        assert.deepEqual(named("../other"), ["../other/x"]);
        assert.deepEqual(named(inside), [`${inside}/x`]);
      } finally {
        process.chdir(here);
      }
    });
  });

  describe("a destination", () => {
    it("is the absolute path of a file, in one way only", () => {
      assert.equal(destinationProblem("/etc/motd"), undefined);
      for (const wrong of [
        "etc/motd",
        "",
        "/etc/",
        "/",
        "/a/../b",
        "/a//b",
        "/a\0b",
        `/${"x".repeat(256)}`,
      ]) {
        assert.notEqual(destinationProblem(wrong), undefined, wrong);
      }
    });

    it("has the folders above it, from the top", () => {
      assert.deepEqual(foldersAbove("/a/b/c"), ["/a", "/a/b"]);
      assert.deepEqual(foldersAbove("/a"), []);
    });

    it("cannot be the folder of another one", () => {
      assert.deepEqual(
        nestedDestinations(["/a/b", "/a", "/ab", "/c/d/e", "/c"]),
        [
          { file: "/a", inside: "/a/b" },
          { file: "/c", inside: "/c/d/e" },
        ],
      );
    });
  });

  it("are planned with their places in the guest", () => {
    const planned = planFiles([
      { content: LATER, destination: "/etc//motd" },
      { source: source("site"), destination: "/srv/site/" },
      { source: source("other/x"), destination: "/x" },
    ]);
    assert.deepEqual(
      planned.map(({ destination, index, path: from }) => [
        destination,
        index,
        from,
      ]),
      [
        ["/etc/motd", 0, undefined],
        ["/srv/site/.hidden", 1, source("site/.hidden")],
        ["/srv/site/bin/run", 1, source("site/bin/run")],
        ["/srv/site/index.html", 1, source("site/index.html")],
        ["/srv/site/link", 1, source("site/link")],
        ["/x", 2, source("other/x")],
      ],
    );
  });

  it("are right with text, files, folders and values that come later", () => {
    assert.deepEqual(
      faults(
        { content: LATER, destination: "/a", owner: LATER, mode: LATER },
        {
          content: "",
          destination: "/b",
          owner: "www-data",
          group: "33",
          mode: "4755",
        },
        { source: source("site"), destination: "/", secret: true },
        { source: source("other/x"), destination: "/c/x" },
      ),
      [],
    );
  });

  it("have all their faults named at once", () => {
    const found = faults(
      { destination: "/a" },
      { content: "x", source: source("other/x"), destination: "/b" },
      {
        content: "x",
        destination: "relative",
        mode: "rw",
        owner: "a b",
        group: "a:b",
      },
      { content: "x", destination: "/etc/" },
      { source: source("missing"), destination: "/d" },
      { source: LATER, destination: LATER },
      { contents: "x", destination: "/e" },
    );
    for (const expected of [
      /^files\[0\] has none, must have exactly one of source, content$/,
      /^files\[1\] has source and content, must have exactly one/,
      /^files\[2\].destination is "relative", must be an absolute path$/,
      /^files\[2\].mode is "rw", must be octal permissions such as "0644"$/,
      /^files\[2\].owner is "a b", must be a name or a number/,
      /^files\[2\].group is "a:b", must be a name or a number/,
      /^files\[3\].destination is "\/etc\/", must name the file/,
      /^files\[4\].source is ".*missing", does not exist/,
      /^files\[5\].source is an output/,
      /^files\[5\].destination is an output/,
      /^files\[6\].contents is not known, did you mean content\?/,
    ]) {
      assert.ok(
        found.some((text) => expected.test(text)),
        `${expected}\n${found.join("\n")}`,
      );
    }
  });

  it("cannot be in one place, or in the place of a folder, by whatever way", () => {
    assert.deepEqual(
      faults(
        { content: "x", destination: "/srv/index.html" },
        { source: source("site"), destination: "/srv" },
        { content: "x", destination: "/srv/bin" },
      ),
      [
        'files[1].destination puts "/srv/index.html" there, and so does files[0]; each file can be there once',
        'files[1].destination puts "/srv/bin/run" into "/srv/bin", which is a file by files[2]',
      ],
    );
  });

  it("show no content in a fault", () => {
    const found = faults({ content: 12345678, destination: "/a" });
    assert.equal(found.length, 1);
    assert.ok(!found.join().includes("12345678"), found.join());
  });
});
