import assert from "node:assert/strict";
import {
  compare,
  removable,
  stampIds,
} from "@corral-iac/corral/core/inventory/classify";
import type {
  HypervisorObject,
  Listing,
  Reference,
} from "@corral-iac/corral/core/inventory/lister";

const OURS = "0123456789abcdef";
const PLACE = "qemu:///system";

function object(
  handle: string,
  changes: Partial<HypervisorObject> = {},
): HypervisorObject {
  const [kind = "", name = ""] = handle.split(":");
  return { kind, name, id: name, handle, uses: [], detail: "", ...changes };
}

function owned(stampId: string, kept = false) {
  return { owner: { stampId, namesThisStack: true, kept } };
}

function reference(handle: string, changes: Partial<Reference> = {}) {
  return { urn: `urn::${handle}`, type: "t", place: PLACE, handle, ...changes };
}

function listing(...objects: HypervisorObject[]): Map<string, Listing> {
  return new Map([[PLACE, { objects, blind: [] }]]);
}

function handlesOf(found: readonly { object: HypervisorObject }[]): string[] {
  return found.map(({ object: { handle } }) => handle);
}

describe("comparing state and hypervisor", () => {
  it("takes for a leftover what carries a stamp of the state and stands in none of its resources", () => {
    const { leftovers, missing, unproven } = compare({
      references: [reference("domain:web")],
      stampIds: [OURS],
      listings: listing(
        object("domain:web", owned(OURS)),
        object("domain:left", owned(OURS)),
        object("volume:left", owned("01234567")),
      ),
    });
    assert.deepEqual(handlesOf(leftovers), ["domain:left", "volume:left"]);
    assert.deepEqual([missing, unproven], [[], []]);
  });

  it("tells what is done for stamps of the state right now, and for no others", () => {
    const { atWork } = compare({
      references: [],
      stampIds: [OURS],
      listings: new Map([
        [PLACE, { objects: [], blind: [], atWork: ["f".repeat(16), OURS] }],
        ["elsewhere", { objects: [], blind: [], atWork: ["f".repeat(16)] }],
      ]),
    });
    assert.deepEqual(atWork, [{ place: PLACE, stampIds: [OURS] }]);
  });

  it("never takes what nobody stamped", () => {
    const found = compare({
      references: [],
      stampIds: [OURS],
      listings: listing(object("domain:somebodys")),
    });
    assert.deepEqual(
      [found.leftovers, found.unproven, found.kept],
      [[], [], []],
    );
  });

  it("shows what another stack of the same name made, and nothing of other stacks", () => {
    const other = {
      owner: { stampId: "ffffffffffffffff", namesThisStack: false },
    };
    const { leftovers, unproven } = compare({
      references: [],
      stampIds: [OURS],
      listings: listing(
        object("domain:namesake", owned("fedcba9876543210")),
        object("domain:other", other),
      ),
    });
    assert.deepEqual(leftovers, []);
    assert.deepEqual(handlesOf(unproven), ["domain:namesake"]);
  });

  it("does not take the first digits of a whole stamp for a proof", () => {
    const { leftovers } = compare({
      references: [],
      stampIds: [OURS],
      listings: listing(object("domain:x", owned("01234567ffffffff"))),
    });
    assert.deepEqual(leftovers, []);
  });

  it("counts what was kept on purpose apart, whoever's it is", () => {
    const { leftovers, kept } = compare({
      references: [],
      stampIds: [OURS],
      listings: listing(
        object("volume:a", owned("01234567", true)),
        object("volume:b", owned("89abcdef", true)),
      ),
    });
    assert.deepEqual(leftovers, []);
    assert.deepEqual(handlesOf(kept), ["volume:a", "volume:b"]);
  });

  it("tells of what was kept who has taken it up", () => {
    const { kept } = compare({
      references: [],
      stampIds: [OURS],
      listings: listing(
        object("volume:a", owned("01234567", true)),
        object("volume:b", owned("89abcdef", true)),
        object("domain:other", { uses: ["volume:b"] }),
      ),
    });
    assert.deepEqual(
      kept.map(({ usedBy }) => usedBy),
      [undefined, "domain other"],
    );
  });

  it("tells what is in the state and gone, but not where it could not look", () => {
    const listings = new Map<string, Listing>([
      [
        PLACE,
        { objects: [], blind: [{ prefix: "volume:off/", why: "it is off" }] },
      ],
    ]);
    const { missing, blind } = compare({
      references: [
        reference("domain:web"),
        reference("volume:off/root"),
        reference("volume:on/log", { mayBeMissing: true }),
        reference("domain:far", { place: "qemu+ssh://away/system" }),
      ],
      stampIds: [],
      listings,
    });
    assert.deepEqual(
      missing.map(({ handle }) => handle),
      ["domain:web"],
    );
    assert.deepEqual(blind, [{ place: PLACE, why: "it is off" }]);
  });

  it("keeps what something else uses, unless that goes as well", () => {
    const disk = object("volume:disk", owned(OURS));
    const user = object("domain:web", { uses: ["volume:disk"] });
    const leftover = { place: PLACE, object: disk };
    const { free, used } = removable([leftover], listing(disk, user));
    assert.deepEqual(free, []);
    assert.equal(used[0]?.by, "domain web");
    const both = removable(
      [leftover, { place: PLACE, object: user }],
      listing(disk, user),
    );
    assert.deepEqual(both.used, []);
    assert.equal(both.free.length, 2);
  });

  it("reads the stamps out of a state", () => {
    const type = "corral-ops:index:Stamp";
    assert.deepEqual(
      stampIds([
        { urn: "a", type, outputs: { stampId: OURS } },
        { urn: "b", type: "other", outputs: { stampId: "x" } },
        { urn: "c", type, outputs: {} },
      ]),
      [OURS],
    );
  });
});
