import assert from "node:assert/strict";

import { asset, fields } from "@corral-iac/corral-ops/frame/define";
import { diffInputs, formatChange } from "@corral-iac/corral-ops/frame/diff";
import {
  formatPath,
  isWithin,
  parsePath,
} from "@corral-iac/corral-ops/frame/paths";
import { Asset, Secret, unknown } from "@corral-iac/corral-ops/frame/value";
import type { PropertyMap } from "@corral-iac/corral-ops/frame/value";
import { Type } from "@sinclair/typebox";

const schema = fields({
  name: Type.Optional(Type.String()),
  port: Type.Integer({ default: 22 }),
  machine: Type.Optional(
    fields(
      {
        id: Type.String({ replaces: true }),
        name: Type.Optional(Type.String()),
      },
      { title: "M" },
    ),
  ),
  list: Type.Optional(Type.Array(Type.String())),
  file: Type.Optional(asset({})),
  policy: Type.Optional(Type.String({ policy: true })),
});

function changes(
  olds: PropertyMap,
  news: PropertyMap,
  ignore: string[] = [],
): string[] {
  return diffInputs(schema, olds, news, ignore).map(
    (change) =>
      `${change.kind} ${formatChange(change)}${change.replaces ? " replaces" : ""}`,
  );
}

describe("provider: diff", () => {
  it("finds what was added, deleted and changed, by its path", () => {
    assert.deepEqual(
      changes(
        { name: "a", list: ["x", "y"], machine: { id: "1" } },
        { port: 23, list: ["x", "z", "w"], machine: { id: "1", name: "n" } },
      ).sort(),
      [
        "add list[2]",
        "add machine.name",
        "delete name",
        "update list[1]",
        "update port",
      ],
    );
  });

  it("replaces where the schema says so, also when the whole object comes or goes", () => {
    assert.deepEqual(
      changes({ machine: { id: "1" } }, { machine: { id: "2" } }),
      ["update machine.id replaces"],
    );
    assert.deepEqual(changes({}, { machine: { id: "2" } }), [
      "add machine replaces",
    ]);
    assert.deepEqual(changes({ machine: { id: "1" } }, { machine: unknown }), [
      "update machine replaces",
    ]);
  });

  it("takes an unknown value for a change", () => {
    assert.deepEqual(changes({ name: "a" }, { name: unknown }), [
      "update name",
    ]);
  });

  it("takes neither a secret mark nor a new field with a default for a change", () => {
    assert.deepEqual(
      changes({ name: "a" }, { name: new Secret("a"), port: 22 }),
      [],
    );
    assert.deepEqual(
      changes({ name: new Secret("a") }, { name: new Secret("b") }),
      ["update name"],
    );
  });

  it("takes a policy alone for no change, and shows it beside others", () => {
    assert.deepEqual(changes({}, { policy: "move" }), []);
    assert.deepEqual(changes({ name: "a" }, { name: "b", policy: "move" }), [
      "update name",
      "add policy",
    ]);
  });

  it("leaves out what ignoreChanges names, and everything below it", () => {
    const olds = { name: "a", list: ["x"], machine: { id: "1" } };
    const news = { name: "b", list: ["y"], machine: { id: "2" } };
    assert.deepEqual(changes(olds, news, ["name", "machine", "list[*]"]), []);
    assert.deepEqual(
      changes(olds, news, ["machine.name", "list[1]"]).length,
      3,
    );
  });

  it("compares assets by their content, wherever that comes from", () => {
    const file = new Asset("aa", { path: "/clone/file" });
    const moved = new Asset("aa", { path: "/other/file" });
    const secret = new Secret(new Asset("aa"));
    assert.deepEqual(changes({ file }, { file: moved }), []);
    assert.deepEqual(changes({ file: secret }, { file }), []);
    assert.deepEqual(changes({ file }, { file: new Asset("bb") }), [
      "update file",
    ]);
    assert.deepEqual(
      changes({ file: new Asset("") }, { file: new Asset("") }),
      ["update file"],
    );
  });

  it("is empty for what the engine adds by itself", () => {
    assert.deepEqual(changes({}, { __defaults: [] }), []);
  });
});

describe("provider: property paths", () => {
  it("are written and read as Pulumi does", () => {
    const segments = ["files", 2, "a.b", "mode"];
    assert.equal(formatPath(segments), 'files[2]["a.b"].mode');
    assert.deepEqual(parsePath('files[2]["a.b"].mode'), segments);
  });

  it("lie within a prefix, where * stands for any segment", () => {
    assert.equal(isWithin(["a", 1, "b"], ["a", "*"]), true);
    assert.equal(isWithin(["a"], ["a", "*"]), false);
  });
});
