import assert from "node:assert/strict";

import { nfsSource } from "@corral-iac/corral/core/nfsShare";
import { establish, remove } from "@corral-iac/corral-ops/guest/shareMount";
import type {
  MountedShare,
  Workplace,
} from "@corral-iac/corral-ops/guest/shareMount";
import { judge } from "@corral-iac/corral-ops/guest/shareView";
import type { Share } from "@corral-iac/corral-ops/guest/shareView";
import * as fc from "fast-check";

import { FakeMountGuest } from "./fakeMountGuest";

const ID = "corral-0123456789ab";
const data: Share = {
  server: "nas",
  hostPath: "/srv/data",
  guestPath: "/data/one",
  options: ["ro"],
};
const LINE = `nas:/srv/data /data/one nfs nofail,_netdev,ro,comment=${ID} 0 0\n`;
const ROOT = "UUID=1 / ext4 defaults 0 0\n";

describe("a share in a guest", () => {
  let guest: FakeMountGuest;
  let warnings: string[];
  const place = (): Workplace => ({
    guest,
    id: ID,
    timeoutSeconds: 20,
    log: { warn: (text) => warnings.push(text), status: () => undefined },
  });
  const make = async (
    share: Share = data,
    before?: MountedShare,
  ): Promise<MountedShare> => ({
    ...share,
    madeFolders: await establish(place(), share, before),
  });

  beforeEach(() => {
    guest = new FakeMountGuest();
    warnings = [];
  });

  it("is mounted and has one line; its folders are made", async () => {
    const made = await make();
    assert.equal(guest.fstab, ROOT + LINE);
    assert.deepEqual(guest.at("/data/one"), [
      { mountPoint: "/data/one", type: "nfs4", source: "nas:/srv/data" },
    ]);
    assert.equal(guest.mountedBy.get("/data/one"), "retry=0,ro");
    assert.deepEqual(made.madeFolders, ["/data", "/data/one"]);
    assert.deepEqual(warnings, []);
  });

  it("costs three scripts where all is there", async () => {
    await make();
    assert.deepEqual(guest.done, [
      "survey",
      "mount nas:/srv/data /data/one retry=0,ro",
      "edit fstab",
    ]);
  });

  it("leaves what is so as it is", async () => {
    const made = await make();
    guest.done.length = 0;
    const again = await make(data, made);
    assert.deepEqual(guest.done, ["survey"]);
    assert.deepEqual(again, made);
  });

  it("takes over what a run left that was cut off after its last step", async () => {
    await make();
    guest.done.length = 0;
    await make();
    assert.deepEqual(guest.done, ["survey"]);
  });

  it("takes over what a run left that was cut off before its line was written", async () => {
    await make();
    guest.fstab = ROOT;
    await make();
    assert.equal(guest.fstab, ROOT + LINE);
    assert.equal(guest.at("/data/one").length, 1);
  });

  it("installs the client where it is missing", async () => {
    guest.hasClient = false;
    guest.packageManager = "zypper";
    await make();
    assert.ok(guest.done.includes("install by zypper"));
    assert.equal(guest.fstab, ROOT + LINE);
  });

  it("says when no client can be installed, or none is there afterwards", async () => {
    guest.hasClient = false;
    guest.installs = false;
    await assert.rejects(make(), /nfs-common was installed .* still no mount/);
    guest.packageManager = undefined;
    await assert.rejects(make(), /no package manager that Corral knows/);
    assert.equal(guest.fstab, ROOT);
    assert.ok(!guest.folders.has("/data"));
  });

  it("leaves no trace when it cannot be mounted", async () => {
    guest.refusals.set("nas:/srv/data", "mount.nfs: access denied by server");
    await assert.rejects(make(), /nas refuses it to this guest/);
    assert.equal(guest.fstab, ROOT);
    assert.equal(guest.mounts.length, 1);
    assert.ok(!guest.folders.has("/data"));
  });

  it("says when the server gives no answer, and takes a mount that came late all the same", async () => {
    guest.refusals.set("nas:/srv/data", undefined);
    await assert.rejects(make(), /nas gave no answer within 20 s/);
    guest.late.add("nas:/srv/data");
    await make();
    assert.equal(guest.fstab, ROOT + LINE);
  });

  it("is unmounted again when its line cannot be written", async () => {
    guest.fstabIsReadOnly = true;
    await assert.rejects(make(), /Read-only file system/);
    assert.equal(guest.mounts.length, 1);
    assert.ok(!guest.folders.has("/data"));
  });

  it("edits fstab as it is at that moment, whoever else edits it", async () => {
    guest.meddling = [(text) => `${text}# one\n`, (text) => `# two\n${text}`];
    await make();
    assert.equal(guest.fstab, `# two\n${ROOT}# one\n${LINE}`);
  });

  it("gives up when fstab is changed at each attempt", async () => {
    guest.meddling = Array<(text: string) => string>(100).fill(
      (text) => `${text}#\n`,
    );
    await assert.rejects(make(), /changed by somebody else at each of 8/);
    assert.equal(guest.mounts.length, 1);
  });

  it("refuses a path for which fstab has a line of others, and shows it", async () => {
    guest.fstab += "10.0.0.9:/x /data/one nfs noauto 0 0\n";
    const before = guest.fstab;
    await assert.rejects(
      make(),
      /not this mount's:\n {2}10\.0\.0\.9:\/x \/data\/one nfs noauto 0 0\nNothing was changed/,
    );
    assert.deepEqual(guest.done, ["survey"]);
    assert.equal(guest.fstab, before);
  });

  it("refuses a line of others that appears while it is at work", async () => {
    guest.meddling = [(text) => `${text}x /data/one ext4 defaults 0 0\n`];
    await assert.rejects(make(), /x \/data\/one ext4/);
    assert.equal(guest.mounts.length, 1);
  });

  for (const [what, prepare, text] of [
    [
      "something else is mounted at",
      () =>
        guest.mounts.push({
          mountPoint: "/data/one",
          type: "tmpfs",
          source: "tmpfs",
        }),
      /tmpfs \(tmpfs\) is mounted at \/data\/one .* not this mount's/,
    ],
    [
      "is no folder",
      () => guest.files.add("/data"),
      /leads to \/data in the guest, which is no folder/,
    ],
    [
      "goes through a link",
      () => guest.links.set("/data", "/srv"),
      /through a symbolic link to \/srv/,
    ],
  ] as const) {
    it(`refuses a path that ${what}`, async () => {
      prepare();
      await assert.rejects(make(), text);
      assert.deepEqual(guest.done, ["survey"]);
    });
  }

  it("warns of a folder whose contents it hides", async () => {
    guest.folders.add("/data").add("/data/one").add("/data/one/inner");
    await make();
    assert.match(warnings[0] ?? "", /something in it, which the share hides/);
  });

  it("has changed options in place: tried, unmounted, mounted", async () => {
    const made = await make();
    guest.done.length = 0;
    await make({ ...data, options: ["rw", "soft"] }, made);
    assert.deepEqual(guest.done, [
      "survey",
      "try nas:/srv/data",
      "unmount /data/one",
      "mount nas:/srv/data /data/one retry=0,rw,soft",
      "edit fstab",
    ]);
    assert.equal(guest.fstab, ROOT + LINE.replace(",ro,", ",rw,soft,"));
  });

  it("keeps the old mount when the changed one cannot be mounted", async () => {
    const made = await make();
    guest.refusals.set("nas:/srv/new", "mount.nfs: No such file or directory");
    await assert.rejects(
      make({ ...data, hostPath: "/srv/new" }, made),
      /there is no \/srv\/new among what nas exports/,
    );
    assert.equal(guest.fstab, ROOT + LINE);
    assert.equal(guest.mountedBy.get("/data/one"), "retry=0,ro");
    assert.ok(guest.folders.has("/data/one"));
  });

  it("mounts the old one again when the changed one fails after its trial", async () => {
    const made = await make();
    guest.fstabIsReadOnly = true;
    await assert.rejects(
      make({ ...data, server: "other", options: ["soft"] }, made),
    );
    assert.equal(guest.at("/data/one").at(-1)?.source, "nas:/srv/data");
    assert.equal(guest.at("/data/one").length, 1);
    assert.equal(guest.mountedBy.get("/data/one"), "retry=0,ro");
  });

  it("moves to another path, and takes the former folders away", async () => {
    const made = await make();
    const moved = await make({ ...data, guestPath: "/mnt/two" }, made);
    assert.equal(guest.fstab, ROOT + LINE.replace("/data/one", "/mnt/two"));
    assert.deepEqual(guest.at("/data/one"), []);
    assert.equal(guest.at("/mnt/two").length, 1);
    assert.ok(!guest.folders.has("/data"));
    assert.deepEqual(moved.madeFolders, ["/mnt/two"]);
  });

  it("moves into its own former folder and back", async () => {
    const made = await make();
    const inner = await make({ ...data, guestPath: "/data/one/in" }, made);
    assert.deepEqual(guest.at("/data/one"), []);
    assert.equal(guest.at("/data/one/in").length, 1);
    const back = await make(data, inner);
    assert.equal(guest.at("/data/one").length, 1);
    await remove(place(), back);
    assert.ok(!guest.folders.has("/data"));
    assert.equal(guest.fstab, ROOT);
  });

  it("is unmounted lazily where it is in use, and says by whom", async () => {
    const made = await make();
    guest.busy.add("/data/one");
    await remove(place(), made);
    assert.match(
      warnings[0] ?? "",
      /\/data\/one is in use by bash \(812\), .*unmounted lazily/,
    );
    assert.equal(guest.mounts.length, 1);
    assert.equal(guest.fstab, ROOT);
  });

  it("leaves nothing when it is removed, but folders that are not empty or not its own", async () => {
    guest.folders.add("/data");
    const made = await make();
    await remove(place(), made);
    assert.equal(guest.fstab, ROOT);
    assert.deepEqual([...guest.folders], ["/", "/srv", "/mnt", "/data"]);
    const again = await make();
    guest.folders.add("/data/one/by-hand");
    await remove(place(), again);
    assert.ok(guest.folders.has("/data/one"));
  });

  it("can be removed when all of it is gone already", async () => {
    await remove(place(), { ...data, madeFolders: [] });
    assert.equal(guest.fstab, ROOT);
  });

  it("does not unmount what others have mounted over it", async () => {
    const made = await make();
    guest.mounts.push({
      mountPoint: "/data/one",
      type: "tmpfs",
      source: "tmpfs",
    });
    await remove(place(), made);
    assert.equal(guest.at("/data/one").at(-1)?.type, "tmpfs");
  });

  describe("at a look", () => {
    const look = async () => judge(await guest.survey([]), ID, data);

    it("is as declared", async () => {
      await make();
      assert.deepEqual(await look(), {
        found: {
          source: "nas:/srv/data",
          guestPath: "/data/one",
          options: ["ro"],
        },
        faults: [],
      });
    });

    it("is gone when neither line nor mount is there", async () => {
      assert.equal(await look(), undefined);
    });

    it("is told to be unmounted, without a line, or with a changed one", async () => {
      await make();
      const { mounts, fstab } = guest;
      guest.mounts = mounts.slice(0, 1);
      assert.deepEqual((await look())?.faults, [
        "nas:/srv/data is not mounted at /data/one",
      ]);
      guest.mounts = mounts;
      guest.fstab = ROOT;
      assert.deepEqual((await look())?.faults, [
        "/etc/fstab has no line for /data/one any more",
      ]);
      guest.fstab = fstab.replace("nofail,", "");
      assert.match((await look())?.faults[0] ?? "", /lacks nofail/);
      guest.fstab = fstab.replace(",ro,", ",ro,soft,");
      assert.deepEqual((await look())?.found.options, ["ro", "soft"]);
      guest.fstab = fstab.replace("nas:", "[fd00::1]:");
      assert.deepEqual(await look(), {
        found: {
          source: "[fd00::1]:/srv/data",
          guestPath: "/data/one",
          options: ["ro"],
        },
        faults: ["nas:/srv/data (nfs4) is mounted at /data/one"],
      });
    });
  });
});

describe("shares in a guest, in any order of changes and failures", () => {
  const share = fc.record({
    server: fc.constantFrom("nas", "[fd00::1]", "10.0.0.1"),
    hostPath: fc.constantFrom("/a", "/b/c d", "/"),
    guestPath: fc.constantFrom("/mnt/x", "/mnt/x/y", "/new/ü z", "/srv/taken"),
    options: fc.constantFrom([], ["ro"], ["ro", "soft"]),
  });
  const step = fc.record({
    share: fc.option(share, { freq: 4 }),
    which: fc.constantFrom(0, 1),
    refused: fc.boolean(),
    readOnly: fc.integer({ min: 0, max: 9 }).map((chance) => chance === 0),
    busy: fc.boolean(),
    drift: fc.constantFrom("none", "unmounted", "line gone", "line doubled"),
  });

  it("leave lines of others alone, are never doubled, and change nothing when they fail", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const guest = new FakeMountGuest();
        const foreign = `# a comment\n${ROOT}x /srv/taken xfs noauto 0 0\n`;
        guest.fstab = foreign;
        const states: (MountedShare | undefined)[] = [undefined, undefined];
        for (const { which, ...change } of steps) {
          const id = `corral-${which}${which}${which}`;
          const place: Workplace = {
            guest,
            id,
            timeoutSeconds: 5,
            log: { warn: () => undefined, status: () => undefined },
          };
          const before = states[which];
          const mark = new RegExp(`^.*comment=${id} .*\\n`, "gm");
          if (before && change.drift === "unmounted") {
            guest.mounts = guest.mounts.filter(
              ({ mountPoint }) => mountPoint !== before.guestPath,
            );
          } else if (before && change.drift === "line gone") {
            guest.fstab = guest.fstab.replace(mark, "");
          } else if (before && change.drift === "line doubled") {
            guest.fstab += (guest.fstab.match(mark) ?? []).join("");
          }
          if (before && change.busy) {
            guest.busy.add(before.guestPath);
          }
          guest.refusals.clear();
          guest.fstabIsReadOnly = change.readOnly;
          if (change.share === null) {
            if (before) {
              await remove(place, before).then(
                () => (states[which] = undefined),
                () => assert.ok(change.readOnly),
              );
            }
          } else {
            const wanted = change.share;
            if (change.refused) {
              guest.refusals.set(
                nfsSource(wanted.server, wanted.hostPath),
                "mount.nfs: Connection refused",
              );
            }
            const fstab = guest.fstab;
            try {
              states[which] = {
                ...wanted,
                madeFolders: await establish(place, wanted, before),
              };
              const found = judge(await guest.survey([]), id, wanted);
              assert.deepEqual(found?.faults, []);
              assert.deepEqual(found?.found.options, wanted.options);
              assert.equal((guest.fstab.match(mark) ?? []).length, 1);
            } catch (error) {
              assert.ok(
                error instanceof Error && error.name === "Error",
                `${error}`,
              );
              const isNested =
                before &&
                (wanted.guestPath.startsWith(`${before.guestPath}/`) ||
                  before.guestPath.startsWith(`${wanted.guestPath}/`));
              if (!isNested) {
                assert.equal(guest.fstab, fstab);
              }
            }
          }
          guest.fstabIsReadOnly = false;
          guest.busy.clear();
          assert.equal(
            guest.fstab.replace(/^.*comment=corral-.*\n/gm, ""),
            foreign,
          );
        }
      }),
      { numRuns: 300 },
    );
  });
});
