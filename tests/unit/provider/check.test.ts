import assert from "node:assert/strict";

import { checkInputs } from "@corral-iac/corral-ops/frame/check";
import {
  asset,
  choice,
  defineResource,
  fields,
} from "@corral-iac/corral-ops/frame/define";
import type { AnyResource } from "@corral-iac/corral-ops/frame/define";
import {
  Asset,
  OutputValue,
  Secret,
  isSecret,
  unknown,
  unwrap,
} from "@corral-iac/corral-ops/frame/value";
import type { PropertyMap } from "@corral-iac/corral-ops/frame/value";
import { Type } from "@sinclair/typebox";

const resource: AnyResource = defineResource({
  token: "corral-ops:index:Thing",
  description: "For tests.",
  inputs: fields({
    kind: choice(["small", "large"], { title: "ThingKind", default: "small" }),
    timeoutSeconds: Type.Integer({ minimum: 1, maximum: 60, default: 30 }),
    name: Type.String({ minLength: 1 }),
    key: Type.Optional(Type.String({ secret: true, minLength: 8 })),
    login: Type.Optional(
      fields(
        {
          user: Type.String(),
          port: Type.Integer({ minimum: 1, maximum: 65535, default: 22 }),
        },
        { title: "ThingLogin" },
      ),
    ),
    tags: Type.Optional(Type.Array(Type.String({ minLength: 2 }))),
    way: Type.Optional(
      fields(
        { host: Type.String(), key: Type.String({ secret: true }) },
        { title: "ThingWay", secretParts: true },
      ),
    ),
    labels: Type.Optional(Type.Record(Type.String(), Type.String())),
  }),
  outputs: fields({}),
  checks: ({ kind, login }) =>
    kind === "large" && login === undefined
      ? [
          {
            path: "login",
            reason: 'is missing; kind is "large", which needs it',
          },
        ]
      : [],
  create: async () => ({ id: "x", outputs: {} }),
});

function faultsOf(inputs: PropertyMap): string[] {
  return checkInputs(resource, inputs).faults.map(
    ({ path, reason }) => `${path} ${reason}`,
  );
}

describe("provider: check", () => {
  it("fills in defaults, at every level", () => {
    const { inputs, faults } = checkInputs(resource, {
      name: "a",
      login: { user: "u" },
    });
    assert.deepEqual(faults, []);
    assert.deepEqual(inputs, {
      name: "a",
      kind: "small",
      timeoutSeconds: 30,
      login: { user: "u", port: 22 },
    });
  });

  it("names all faults at once: where, what it was, what is allowed", () => {
    const faults = faultsOf({
      kind: "huge",
      timeoutSeconds: 0,
      login: { port: "22" },
      tags: ["ok", "x"],
      extra: 1,
    });
    assert.deepEqual(faults.sort(), [
      "extra is not a known field; known are: kind, timeoutSeconds, name, key, login, tags, way, labels",
      'kind is "huge"; it must be one of "small", "large"',
      'login.port is "22"; it must be a whole number from 1 to 65535',
      "login.user is missing; it must be a text",
      "name is missing; it must be a text that is not empty",
      'tags[1] is "x"; it must be a text, at least 2 characters',
      "timeoutSeconds is 0; it must be a whole number from 1 to 60",
    ]);
  });

  it("takes what had to be made a secret as a whole for what it is", () => {
    const way = { host: "gate", key: "planted" };
    for (const given of [
      new Secret(way),
      new OutputValue(new Secret(way), true, []),
    ]) {
      const { inputs, faults } = checkInputs(resource, {
        name: "a",
        way: given,
      });
      assert.deepEqual(faults, []);
      assert.deepEqual(unwrap(inputs.way ?? null), {
        host: "gate",
        key: new Secret("planted"),
      });
      assert.ok(!isSecret(inputs.way ?? null));
    }
  });

  it("takes assets, and only where they belong", () => {
    const logo = new Asset("aa", { path: "x" });
    const pictured: AnyResource = {
      ...resource,
      inputs: fields({ logo: asset({}), name: Type.String() }),
    };
    const check = (given: PropertyMap) => checkInputs(pictured, given);
    const { inputs, faults } = check({ name: "a", logo: new Secret(logo) });
    assert.deepEqual(faults, []);
    assert.deepEqual(inputs.logo, new Secret(logo));
    assert.deepEqual(
      check({ name: logo, logo: "x" }).faults.map(({ reason }) => reason),
      [
        'is "x"; it must be a file asset or a text asset',
        "is an asset; it must be a text",
      ],
    );
  });

  it("guesses what a misspelt field was meant to be", () => {
    assert.match(
      faultsOf({ name: "a", timeoutSecond: 3 })[0] ?? "",
      /did you mean "timeoutSeconds"\?/,
    );
  });

  it("never shows a secret's value, whoever called it secret", () => {
    const faults = faultsOf({ name: new Secret(7), key: "short77" });
    assert.ok(faults.length === 2);
    assert.ok(
      faults.every(
        (fault) =>
          !fault.includes("7") && fault.includes("a secret, not shown"),
      ),
    );
  });

  it("lets unknown values pass, and what depends on them", () => {
    assert.deepEqual(
      faultsOf({
        name: unknown,
        login: unknown,
        timeoutSeconds: new Secret(unknown),
      }),
      [],
    );
  });

  it("wraps what the schema calls secret, and keeps the wrapping there was", () => {
    const { inputs } = checkInputs(resource, {
      name: new Secret("n"),
      key: "12345678",
    });
    assert.ok(isSecret(inputs.key ?? null) && isSecret(inputs.name ?? null));
  });

  it("treats null as not given", () => {
    assert.deepEqual(
      faultsOf({ name: "a", login: null, timeoutSeconds: null }),
      [],
    );
  });

  it("runs the checks across fields beside those of the schema", () => {
    assert.deepEqual(faultsOf({ name: "", kind: "large" }), [
      'name is ""; it must be a text that is not empty',
      'login is missing; kind is "large", which needs it',
    ]);
  });
});
