import assert from "node:assert/strict";
import * as fc from "fast-check";
import {
  type MoveWish,
  planMove,
  splitDisks,
} from "@corral-iac/corral/core/microvm/movePlan";
import { hostPaths } from "@corral-iac/corral/core/microvm/paths";
import type { TargetFacts } from "@corral-iac/corral/core/microvm/scripts/arriving";
import type {
  Leaving,
  SourceFacts,
} from "@corral-iac/corral/core/microvm/scripts/leaving";

const GIB = 1024 ** 3;

const wish: MoveWish = {
  machine: "corral-dev-web",
  from: "root@a:22",
  to: "root@b:22",
  memoryMib: 512,
  running: true,
  volumes: ["root", "data"],
  images: [],
};
const size = { bytes: 2 * GIB, usedBytes: GIB, keep: false };
const source = (changes: Partial<SourceFacts> = {}): SourceFacts => ({
  hostId: "a",
  isThere: true,
  runs: true,
  mark: undefined,
  volumes: new Map([
    ["root", size],
    ["data", size],
  ]),
  ...changes,
});
const target = (changes: Partial<TargetFacts> = {}): TargetFacts => ({
  hostId: "b",
  machine: undefined,
  runs: false,
  wasLeft: false,
  hasForeignUnit: false,
  missingNetworks: [],
  freeMemoryMib: 4096,
  freeDiskBytes: 10 * GIB,
  volumes: new Map(),
  ...changes,
});
const mark = (changes: Partial<Leaving> = {}): Leaving => ({
  id: "0123456789abcdef",
  phase: "copying",
  ran: true,
  to: "root@b:22",
  toId: "b",
  ...changes,
});
const faults = (
  changes: {
    readonly wish?: Partial<MoveWish>;
    readonly source?: Partial<SourceFacts> | null;
    readonly target?: Partial<TargetFacts>;
  } = {},
) =>
  planMove(
    { ...wish, ...changes.wish },
    changes.source === null ? undefined : source(changes.source ?? {}),
    target(changes.target),
  ).faults.join("\n");

describe("the plan of a move", () => {
  it("copies all volumes to a host that has room for them", () => {
    assert.deepEqual(planMove(wish, source(), target()), {
      faults: [],
      isForward: false,
      hasLeftovers: false,
      copies: ["root", "data"],
    });
  });

  it("says everything that stands against it at once", () => {
    const said = faults({
      wish: { images: [{ name: "iso", path: "/srv/tools.iso" }] },
      source: { volumes: new Map([["root", size]]) },
      target: {
        hasForeignUnit: true,
        missingNetworks: ["lan"],
        freeMemoryMib: 100,
        freeDiskBytes: GIB,
      },
    });
    for (const part of [
      /its volume iso is the image \/srv\/tools.iso of that host, which .* cannot be moved/,
      /its volume data is missing on root@a:22/,
      /root@b:22 has a unit of its name that Corral did not make/,
      /root@b:22 has no network lan/,
      /root@b:22 has 100 MiB of memory available, and it needs 512/,
      /root@b:22 has 1.0 GiB of disk free, and its volumes take 1.0 GiB/,
    ]) {
      assert.match(said, part);
    }
  });

  it("asks for no memory where the machine shall not run", () => {
    const poor = { freeMemoryMib: 1 };
    assert.equal(faults({ wish: { running: false }, target: poor }), "");
  });

  it("counts what volumes take, not how large they are", () => {
    assert.equal(faults({ target: { freeDiskBytes: 2.1 * GIB } }), "");
  });

  it("needs the host where the data is", () => {
    assert.match(
      faults({ source: null }),
      /root@a:22 cannot be reached, and its data is there/,
    );
    const begun = { machine: { move: mark().id, isStarted: false } };
    assert.match(faults({ source: null, target: begun }), /cannot be reached/);
    assert.match(faults({ source: { isThere: false } }), /run up --refresh/);
  });

  it("never takes one of two volumes for the right one", () => {
    const made = { volumes: new Map([["data", ""]]) };
    assert.match(
      faults({ target: made }),
      /its volume data is on both hosts.*corral-dev-web\/data/,
    );
    // What an attempt before has copied is copied again.
    assert.equal(
      faults({ target: { volumes: new Map([["data", "0123456789abcdef"]]) } }),
      "",
    );
  });

  it("takes a volume that is new with the same update as it is", () => {
    const plan = planMove(
      wish,
      source({ volumes: new Map([["data", size]]) }),
      target({ volumes: new Map([["root", ""]]) }),
    );
    assert.deepEqual(plan.faults, []);
    assert.deepEqual(plan.copies, ["data"]);
  });

  it("has no way back where the machine was started there", () => {
    const begun = { move: mark().id, isStarted: true };
    const handed = source({ mark: mark({ phase: "handed" }), runs: false });
    const forward = (from: SourceFacts | undefined) =>
      planMove(wish, from, target({ machine: begun, runs: true }));
    // Wherever the removal of the old one was cut off.
    for (const from of [handed, source({ isThere: false }), undefined]) {
      assert.deepEqual(forward(from), {
        faults: [],
        isForward: true,
        hasLeftovers: false,
        copies: [],
      });
    }
  });

  it("goes on with one that was not started there, and takes away what is left of it", () => {
    for (const machine of [
      { move: mark().id, isStarted: false },
      { move: "ffffffffffffffff", isStarted: true },
    ]) {
      const plan = planMove(
        wish,
        source({ mark: mark({ phase: "handed" }), runs: false }),
        target({ machine }),
      );
      assert.deepEqual(
        [plan.faults, plan.isForward, plan.hasLeftovers, plan.copies],
        [[], false, true, ["root", "data"]],
      );
    }
  });

  it("does nothing while it runs on both, or may run on a third host", () => {
    assert.match(
      faults({
        target: { machine: { move: "", isStarted: false }, runs: true },
      }),
      /runs on root@b:22 too/,
    );
    assert.match(
      faults({
        source: { mark: mark({ phase: "handed", to: "root@c:22", toId: "c" }) },
      }),
      /told to start on root@c:22/,
    );
  });

  it("never copies over a machine that was started, and never leaves the only data behind", () => {
    const phases = fc.constantFrom("copying", "handed", "back", undefined);
    fc.assert(
      fc.property(
        fc.boolean(),
        phases,
        fc.constantFrom("none", "begun", "started"),
        fc.boolean(),
        (isThere, phase, there, isSame) => {
          const machine =
            there === "none"
              ? undefined
              : {
                  move: isSame ? mark().id : "ffffffffffffffff",
                  isStarted: there === "started",
                };
          const plan = planMove(
            wish,
            source({
              isThere,
              runs: phase === undefined,
              mark: phase && mark({ phase }),
            }),
            target({ machine }),
          );
          const mayRunThere =
            there === "started" && isSame && phase === "handed";
          if (mayRunThere && isThere) {
            assert.ok(plan.isForward);
          }
          if (plan.isForward) {
            assert.deepEqual(plan.copies, []);
            assert.ok(machine !== undefined && (!isThere || mayRunThere));
          } else if (plan.faults.length === 0) {
            assert.deepEqual(plan.copies, wish.volumes);
          }
        },
      ),
    );
  });
});

describe("the disks of a machine that moves", () => {
  it("are volumes, which go along, and images, which cannot", () => {
    const own = "/var/lib/corral/microvm/volumes/web/data.raw";
    assert.deepEqual(
      splitDisks(
        "web",
        [
          { name: "data", path: own },
          { name: "iso", path: "/srv/tools.iso" },
        ],
        hostPaths,
      ),
      {
        volumes: ["data"],
        images: [{ name: "iso", path: "/srv/tools.iso" }],
      },
    );
  });
});
