import assert from "node:assert/strict";

import {
  linesOfOthersFor,
  ownEntry,
  plainOptions,
  renderEntry,
  withEntry,
  withoutEntry,
} from "@corral-iac/corral-ops/guest/fstab";
import type { FstabEntry } from "@corral-iac/corral-ops/guest/fstab";
import * as fc from "fast-check";

const ID = "corral-0123456789ab";
const entry: FstabEntry = {
  source: "10.1.1.1:/srv/data",
  mountPoint: "/data",
  type: "nfs",
  options: ["nofail", "_netdev", "ro"],
};
const line =
  "10.1.1.1:/srv/data /data nfs nofail,_netdev,ro,comment=corral-0123456789ab 0 0\n";

const debian = `# /etc/fstab: static file system information.
#
UUID=c0447a1c-1ab0-4deb-b12d-000000000001 /               ext4    errors=remount-ro 0       1
UUID=3ffd none\tswap sw 0 0

/dev/sr0        /media/cdrom0   udf,iso9660 user,noauto     0       0
10.1.1.9:/srv/my\\040files /srv/my\\040files nfs defaults
`;

describe("the fstab editor", () => {
  it("adds a line at the end", () => {
    assert.equal(withEntry(debian, ID, entry), debian + line);
    assert.equal(withEntry("", ID, entry), line);
  });

  it("ends the last line where it has no end", () => {
    assert.equal(withEntry("# one", ID, entry), `# one\n${line}`);
  });

  it("changes its own line in its place", () => {
    const before = `# first\n${line}# last\n`;
    const changed = withEntry(before, ID, { ...entry, options: ["rw"] });
    assert.equal(
      changed,
      `# first\n10.1.1.1:/srv/data /data nfs rw,comment=${ID} 0 0\n# last\n`,
    );
  });

  it("makes one of its own lines that were doubled", () => {
    const before = `${line}${debian}${line}${line}`;
    assert.equal(withEntry(before, ID, entry), line + debian);
    assert.equal(withoutEntry(before, ID), debian);
  });

  it("tells its own lines from those of others with a longer or another id", () => {
    const others = [`${ID}0`, ID.slice(0, -1), "corral-ffffffffffff"];
    const text = others
      .map((id) => `${renderEntry({ ...entry, mountPoint: `/${id}` }, id)}\n`)
      .join("");
    assert.equal(ownEntry(text, ID), undefined);
    assert.equal(withoutEntry(text, ID), text);
  });

  it("does not take a comment for its line", () => {
    const text = `#${line}  # ${line}`;
    assert.equal(ownEntry(text, ID), undefined);
    assert.equal(withEntry(text, ID, entry), text + line);
    assert.deepEqual(linesOfOthersFor(text, "/data", ID), []);
  });

  it("writes blanks, tabs and backslashes of paths as octal codes, and reads them", () => {
    const odd = {
      ...entry,
      source: "[fe80::1]:/srv/größe und\tmehr",
      mountPoint: "/mnt/a b\\c",
    };
    const text = withEntry("", ID, odd);
    assert.equal(
      Buffer.from(text, "latin1").toString("utf8"),
      `[fe80::1]:/srv/größe\\040und\\011mehr /mnt/a\\040b\\134c nfs nofail,_netdev,ro,comment=${ID} 0 0\n`,
    );
    const read = ownEntry(text, ID);
    assert.equal(read?.source, odd.source);
    assert.equal(read?.mountPoint, odd.mountPoint);
  });

  it("gives back the options of a line without its mark", () => {
    const read = ownEntry(line, ID);
    assert.ok(read);
    assert.deepEqual(plainOptions(read, ID), ["nofail", "_netdev", "ro"]);
  });

  it("finds lines of others for a path, however they write it", () => {
    for (const written of [
      "/srv/my\\040files",
      "/srv//my\\040files/",
      "/srv/my\\040files//",
    ]) {
      const text = `x ${written} ext4 defaults 0 0\n`;
      assert.deepEqual(linesOfOthersFor(debian + text, "/srv/my files", ID), [
        "10.1.1.9:/srv/my\\040files /srv/my\\040files nfs defaults",
        text.trim(),
      ]);
    }
    assert.deepEqual(linesOfOthersFor(debian, "/srv", ID), []);
  });

  it("keeps bytes that are no text in any encoding", () => {
    const bytes = Buffer.from([0x23, 0xff, 0xfe, 0x80, 0x0a]);
    const edited = withEntry(bytes.toString("latin1"), ID, entry);
    assert.deepEqual(
      Buffer.from(edited, "latin1").subarray(0, bytes.length),
      bytes,
    );
  });
});

describe("the fstab editor, with any file and any changes", () => {
  const word = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 12 })
    .filter((text) => !/[\s#\0]/.test(text));
  const path = fc
    .array(
      fc
        .string({ unit: "grapheme", minLength: 1, maxLength: 8 })
        .filter(
          (text) => !/[\p{Cc}/]/u.test(text) && text !== "." && text !== "..",
        ),
      { minLength: 1, maxLength: 4 },
    )
    .map((parts) => `/${parts.join("/")}`);
  const option = fc.stringMatching(/^[a-z]{1,8}(=[a-z0-9.]{1,5})?$/);
  const ids = [
    "corral-aaaaaaaaaaaa",
    "corral-bbbbbbbbbbbb",
    "corral-cccccccccccc",
  ];

  /** Lines that stand in a file that we did not write. */
  const foreign = fc.oneof(
    fc.string({ maxLength: 30 }).map((text) => `#${text.replace(/\n/g, " ")}`),
    fc.constantFrom("", "  ", "\t", "not-an-entry", "\\", "/dev/sda1 /"),
    fc
      .tuple(
        word,
        word,
        word,
        word,
        fc.constantFrom("", " 0 0", "\t0\t1 ", "   1"),
      )
      .map(
        ([source, mountPoint, type, options, rest]) =>
          `${source} ${mountPoint}\t${type}  ${options}${rest}`,
      ),
    fc
      .tuple(word, fc.constantFrom("corral-", "corral-x", "x"))
      .map(([source, id]) => `${source} /m nfs ro,comment=${id} 0 0`),
  );
  const file = fc
    .tuple(fc.array(foreign, { maxLength: 10 }), fc.boolean())
    .map(([lines, ends]) =>
      Buffer.from(
        lines.join("\n") + (ends && lines.length > 0 ? "\n" : ""),
        "utf8",
      ).toString("latin1"),
    );
  const share = fc.record({
    source: path.map((hostPath) => `server:${hostPath}`),
    mountPoint: path,
    options: fc.array(option, { maxLength: 4 }),
  });
  const change = fc.oneof(
    fc.record({
      is: fc.constant("set" as const),
      id: fc.constantFrom(...ids),
      share,
    }),
    fc.record({
      is: fc.constant("remove" as const),
      id: fc.constantFrom(...ids),
    }),
    // By hand: our line doubled, or something of others added.
    fc.record({
      is: fc.constant("double" as const),
      id: fc.constantFrom(...ids),
    }),
    fc.record({ is: fc.constant("other" as const), line: foreign }),
  );

  it("never touches a line of others, and never has two of its own", () => {
    fc.assert(
      fc.property(
        file,
        fc.array(change, { minLength: 1, maxLength: 15 }),
        (start, changes) => {
          let text = start;
          const others = splitLines(start);
          const ours = new Map<string, FstabEntry>();
          for (const step of changes) {
            switch (step.is) {
              case "set": {
                const wanted = { ...step.share, type: "nfs" };
                text = withEntry(text, step.id, wanted);
                ours.set(step.id, wanted);
                assert.equal(withEntry(text, step.id, wanted), text);
                break;
              }
              case "remove":
                text = withoutEntry(text, step.id);
                ours.delete(step.id);
                break;
              case "double": {
                const now = ours.get(step.id);
                if (now) {
                  text += `${text.endsWith("\n") ? "" : "\n"}${renderEntry(now, step.id)}\n`;
                  text = withEntry(text, step.id, now);
                }
                break;
              }
              case "other": {
                const added = Buffer.from(step.line, "utf8").toString("latin1");
                if (added !== "") {
                  text += `${text === "" || text.endsWith("\n") ? "" : "\n"}${added}\n`;
                  others.push(added);
                }
              }
            }
            const marks = new Set(ids.map((id) => `comment=${id}`));
            const isOurs = (line: string) =>
              line.split(/[ ,]/).some((part) => marks.has(part));
            assert.deepEqual(
              splitLines(text).filter((line) => !isOurs(line)),
              others,
            );
            assert.equal(splitLines(text).filter(isOurs).length, ours.size);
            for (const [id, wanted] of ours) {
              const found = ownEntry(text, id);
              assert.ok(found);
              assert.equal(found.source, wanted.source);
              assert.equal(found.mountPoint, wanted.mountPoint);
              assert.deepEqual(plainOptions(found, id), wanted.options);
            }
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  it("gives back the very file when all of its own is removed", () => {
    fc.assert(
      fc.property(
        file,
        fc.array(fc.tuple(fc.constantFrom(...ids), share), { maxLength: 8 }),
        (start, sets) => {
          const edited = sets.reduce(
            (text, [id, wanted]) =>
              withEntry(text, id, { ...wanted, type: "nfs" }),
            start,
          );
          const back = ids.reduce((text, id) => withoutEntry(text, id), edited);
          const ended =
            start === "" || start.endsWith("\n") || sets.length === 0
              ? start
              : `${start}\n`;
          assert.equal(back, ended);
        },
      ),
      { numRuns: 400 },
    );
  });
});

function splitLines(text: string): string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") {
    lines.pop();
  }
  return lines;
}
