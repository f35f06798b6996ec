import * as assert from "node:assert/strict";
import type { Fault } from "@corral-iac/corral/core/faults";
import { LATER } from "@corral-iac/corral/core/later";
import { compileSchemaCheck } from "@corral-iac/corral/core/schemaCheck";

const SCHEMA = {
  type: "object",
  required: ["name"],
  additionalProperties: false,
  properties: {
    name: { type: "string" },
    count: { type: "integer", minimum: 1, maximum: 8 },
    share: { type: "number", minimum: 0 },
    most: { type: "number", maximum: 5 },
    kind: { type: "string", enum: ["kvm", "tcg"] },
    on: { type: "boolean" },
    text: { anyOf: [{ type: "string" }, { $ref: "#/definitions/FromConfig" }] },
    textual: { type: "string" },
    items: { type: "array", items: { $ref: "#/definitions/Item" } },
    byName: {
      type: "object",
      additionalProperties: { $ref: "#/definitions/Item" },
    },
    privateKey: { type: "string" },
  },
  definitions: {
    FromConfig: {
      type: "object",
      required: ["fromConfig"],
      additionalProperties: false,
      properties: { fromConfig: { type: "string" } },
    },
    Item: {
      type: "object",
      additionalProperties: false,
      properties: { size: { type: "integer" } },
    },
  },
};

const check = compileSchemaCheck(SCHEMA, ["privateKey"]);
const faultsOf = (more: object): Fault[] => check({ name: "x", ...more });

function assertFault(more: object, path: string, problem: string): void {
  assert.deepEqual(faultsOf(more), [{ path, problem }]);
}

describe("schema check", () => {
  it("finds nothing wrong with what is right", () => {
    assert.deepEqual(
      faultsOf({ count: 8, kind: "tcg", text: { fromConfig: "k" }, items: [] }),
      [],
    );
  });

  it("says what a value was and what it must be, once", () => {
    assertFault(
      { count: "two" },
      "count",
      'is "two", must be a whole number from 1 to 8',
    );
    assertFault(
      { count: 9 },
      "count",
      "is 9, must be a whole number from 1 to 8",
    );
    assertFault(
      { count: -1.5 },
      "count",
      "is -1.5, must be a whole number from 1 to 8",
    );
    assertFault(
      { share: -1 },
      "share",
      "is -1, must be a number of at least 0",
    );
    assertFault({ most: 6 }, "most", "is 6, must be a number of at most 5");
    assertFault(
      { kind: "xen" },
      "kind",
      'is "xen", must be one of "kvm", "tcg"',
    );
    assertFault({ kind: 5 }, "kind", 'is 5, must be one of "kvm", "tcg"');
    assertFault({ on: "yes" }, "on", 'is "yes", must be true or false');
    assertFault({ name: null }, "name", "is null, must be text");
  });

  it("says of a union what all its forms are", () => {
    const problem = (was: string) =>
      `is ${was}, must be text, or \`fromConfig: KEY\``;
    assertFault({ text: 5 }, "text", problem("5"));
    assertFault({ text: { from: "k" } }, "text", problem("a mapping"));
    assertFault({ text: { fromConfig: 5 } }, "text", problem("a mapping"));
  });

  it("does not take a name that begins like a union's for part of it", () => {
    assert.deepEqual(
      faultsOf({ text: 5, textual: 5 }).map(({ path }) => path),
      ["text", "textual"],
    );
  });

  it("names what is missing", () => {
    assert.deepEqual(check({}), [{ path: "name", problem: "is missing" }]);
  });

  it("names the known ones for an unknown, and the one most likely meant", () => {
    const [fault, ...others] = faultsOf({ cuont: 1 });
    assert.deepEqual(others, []);
    assert.equal(fault?.path, "cuont");
    assert.match(
      fault.problem,
      /^is not known, did you mean count\?; known here: name, count, /,
    );
    assertFault(
      { items: [{ colour: 1 }] },
      "items[0].colour",
      "is not known; known here: size",
    );
  });

  it("writes positions in brackets in lists only", () => {
    assertFault(
      { items: [{}, { size: "x" }] },
      "items[1].size",
      'is "x", must be a whole number',
    );
    assertFault(
      { byName: { "1": { size: "x" } } },
      "byName.1.size",
      'is "x", must be a whole number',
    );
    assertFault(
      { byName: { "a/b~c": 5 } },
      "byName.a/b~c",
      "is 5, must be a mapping",
    );
  });

  it("finds all faults at once", () => {
    assert.deepEqual(
      check({ count: 0, kind: "xen", items: [5, { size: 0.5 }], more: 1 })
        .map(({ path }) => path)
        .sort(),
      ["count", "items[0]", "items[1].size", "kind", "more", "name"],
    );
  });

  it("says of something else altogether that it must be a mapping", () => {
    for (const [value, was] of [
      [5, "5"],
      [[], "an empty list"],
      [null, "null"],
      [undefined, "undefined"],
    ] as const) {
      assert.deepEqual(check(value), [
        { path: "", problem: `is ${was}, must be a mapping` },
      ]);
    }
  });

  it("lets pass what is known later, wherever it stands", () => {
    assert.deepEqual(
      check({
        name: LATER,
        count: LATER,
        kind: LATER,
        text: LATER,
        items: [LATER, { size: LATER }],
        byName: LATER,
      }),
      [],
    );
  });

  it("never shows a secret", () => {
    assertFault(
      { privateKey: 4711 },
      "privateKey",
      "has a value that is not shown, must be text",
    );
  });
});
