import * as assert from "node:assert/strict";
import {
  InvalidArgumentsError,
  joinPath,
  renderFaults,
  show,
  throwIfFaulty,
} from "@corral-iac/corral/core/faults";

const ONE = { path: "vcpus", problem: "is 0, must be at least 1" };
const OTHER = { path: "", problem: "is 5, must be a mapping" };

describe("faults", () => {
  it("are shown together, a line each, under a headline with their number", () => {
    assert.equal(
      renderFaults('LibvirtVm "web"', [ONE, OTHER]),
      [
        'LibvirtVm "web": 2 faults in its arguments',
        "  vcpus is 0, must be at least 1",
        "  (the whole) is 5, must be a mapping",
      ].join("\n"),
    );
    assert.match(renderFaults("x", [ONE]), /^x: 1 fault in/);
  });

  it("are thrown all at once, and only when there are any", () => {
    assert.doesNotThrow(() => throwIfFaulty("x", []));
    assert.throws(
      () => throwIfFaulty("x", [ONE, OTHER]),
      (error) =>
        error instanceof InvalidArgumentsError &&
        error.faults.length === 2 &&
        error.message === renderFaults("x", [ONE, OTHER]),
    );
  });
});

describe("show", () => {
  for (const [value, shown] of [
    ["a\nb", '"a\\nb"'],
    ["", '""'],
    [-1, "-1"],
    [Number.NaN, "NaN"],
    [false, "false"],
    [null, "null"],
    [undefined, "undefined"],
    [[], "an empty list"],
    [{}, "an empty mapping"],
  ] as const) {
    it(`shows ${shown}`, () => {
      assert.equal(show(value), shown);
    });
  }

  it("cuts long text", () => {
    const shown = show("x".repeat(1000));
    assert.equal(shown.length, 80);
    assert.ok(shown.endsWith("..."));
  });

  it("shows nothing of what lists and mappings hold: it may be secret", () => {
    assert.equal(show(["hunter2"]), "a list");
    assert.equal(show({ hunter2: "hunter2" }), "a mapping");
  });
});

describe("joinPath", () => {
  it("joins with a dot, and an empty path or part with nothing", () => {
    assert.equal(joinPath("users[0]", "name"), "users[0].name");
    assert.equal(joinPath("", "name"), "name");
    assert.equal(joinPath("users", ""), "users");
  });
});
