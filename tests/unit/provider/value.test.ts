import assert from "node:assert/strict";
import { createHash } from "node:crypto";

import {
  Asset,
  Opaque,
  OutputValue,
  Secret,
  containsUnknown,
  fromPlain,
  fromWire,
  mapToWire,
  plain,
  secretTexts,
  toWire,
  unknown,
} from "@corral-iac/corral-ops/frame/value";
import type { PropertyValue } from "@corral-iac/corral-ops/frame/value";
import fc from "fast-check";

const signature = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const unknownText = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const anyValue = fc.letrec<{ value: PropertyValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .filter((n) => !Object.is(n, -0)),
    fc.string(),
    fc.constant(unknown),
    tie("value").map((value) => new Secret(value)),
    fc
      .tuple(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }))
      .map(([hash, path]) => new Asset(hash, { path })),
    fc
      .tuple(tie("value"), fc.boolean(), fc.array(fc.string()))
      .map(([value, secret, urns]) => new OutputValue(value, secret, urns)),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(
      fc.string().filter((key) => key !== signature && key !== "__proto__"),
      tie("value"),
      { maxKeys: 4, noNullPrototype: true },
    ),
  ),
})).value;

describe("provider: property values", () => {
  it("come back from the wire as they went", () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        assert.deepEqual(
          fromWire(JSON.parse(JSON.stringify(toWire(value)))),
          value,
        );
      }),
    );
  });

  it("read secrets, unknown values and outputs in the engine's form", () => {
    const secret = { [signature]: secretSignature, value: unknownText };
    assert.deepEqual(fromWire(secret), new Secret(unknown));
    assert.equal(fromWire("3eeb2bf0-c639-47a8-9e75-3b44932eb421"), unknown);
  });

  it("carry archives and resource references along untouched", () => {
    const archive = {
      [signature]: "0def7320c3a5731c473e5ecbe6d01bc7",
      path: "x",
      hash: "y",
    };
    const value = fromWire(archive);
    assert.ok(value instanceof Opaque);
    assert.deepEqual(toWire(value), archive);
  });

  it("know an asset's hash, and where its content is unless the engine left that away", () => {
    const wire = { [signature]: "c44067f5952c0a294b673a41bacd8c17", hash: "y" };
    for (const source of [{ text: "x" }, { path: "p" }, { uri: "u" }, {}]) {
      const value = fromWire({ ...wire, ...source });
      assert.ok(value instanceof Asset);
      assert.equal(value.hash, "y");
      assert.deepEqual(value.source ?? {}, source);
      assert.deepEqual(toWire(value), { ...wire, ...source });
    }
    const hash = createHash("sha256").digest("hex");
    assert.deepEqual(
      fromWire({ ...wire, hash }),
      new Asset(hash, { text: "" }),
    );
  });

  it("give a resource's code plain data, without null fields", () => {
    const value = {
      a: new Secret("x"),
      b: [new OutputValue(1, false, [])],
      c: null,
      d: unknown,
    };
    assert.deepEqual(plain(value), { a: "x", b: [1], d: unknown });
  });

  it("leave undefined fields out on the way back", () => {
    assert.deepEqual(mapToWire(fromPlain({ a: 1, b: undefined }) as never), {
      a: 1,
    });
  });

  it("find every secret text, however deep", () => {
    const value = {
      a: new Secret({ b: ["one", { c: "two" }], n: 7 }),
      d: "open",
    };
    assert.deepEqual(secretTexts(value), ["one", "two", "7"]);
  });

  it("know whether anything inside is unknown", () => {
    assert.equal(containsUnknown({ a: [new Secret(unknown)] }), true);
    assert.equal(containsUnknown({ a: [new Secret("x")] }), false);
  });
});
