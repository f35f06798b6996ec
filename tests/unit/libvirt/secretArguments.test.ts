import * as assert from "node:assert/strict";
import type { Fault } from "@corral-iac/corral/core/faults";
import {
  SECRET_ARGUMENTS,
  validateLibvirtVm,
} from "@corral-iac/corral/libvirt/validation";
import * as fc from "fast-check";
import { GOOD, MINIMAL } from "./vmArgs";

describe("secret arguments of LibvirtVm", () => {
  const SECRET = "hunter2-planted-secret";

  it("are privateKey, passwordHash and userData", () => {
    assert.deepEqual([...SECRET_ARGUMENTS].sort(), [
      "passwordHash",
      "privateKey",
      "userData",
    ]);
  });

  it("are never shown, however wrong the arguments are", () => {
    fc.assert(
      fc.property(mangled(GOOD, SECRET), (args) => {
        const faults = validateLibvirtVm(args);
        assert.ok(!JSON.stringify(faults).includes(SECRET), show(faults));
      }),
      { numRuns: 500 },
    );
  });

  it("are refused by what they should be", () => {
    const faults = validateLibvirtVm({
      ...MINIMAL,
      ssh: { privateKey: [SECRET] },
      cloudInit: { users: [{ name: "bob", passwordHash: 5 }] },
    });
    assert.deepEqual(
      faults.map(({ problem }) => problem),
      Array(2).fill("has a value that is not shown, must be text"),
    );
  });
});

function show(faults: readonly Fault[]): string {
  return faults.map(({ path, problem }) => `${path} ${problem}`).join("\n");
}

/**
 * Arguments in which any value may be replaced by one of a wrong kind, and a secret stands wherever
 * a secret argument may.
 */
function mangled(value: unknown, secret: string): fc.Arbitrary<unknown> {
  const wrong = fc.constantFrom<unknown>(5, "x", null, true, [], {}, ["x"]);
  return fc.oneof(
    { weight: 8, arbitrary: inside(value, secret) },
    { weight: 1, arbitrary: wrong },
    { weight: 1, arbitrary: inside(value, secret).map((one) => [one]) },
    { weight: 1, arbitrary: inside(value, secret).map((one) => ({ x: one })) },
  );
}

function inside(value: unknown, secret: string): fc.Arbitrary<unknown> {
  if (Array.isArray(value)) {
    return fc.tuple(...value.map((item) => mangled(item, secret)));
  }
  if (typeof value !== "object" || value === null) {
    return fc.constant(value);
  }
  const known = Object.entries(value).map(
    ([key, inner]) => [key, mangled(inner, secret)] as const,
  );
  const secrets = SECRET_ARGUMENTS.map(
    (name) =>
      [
        name,
        fc.constantFrom<unknown>(
          secret,
          [secret],
          { a: secret },
          `x ${secret}`,
        ),
      ] as const,
  );
  return fc.record(Object.fromEntries([...known, ...secrets]), {
    requiredKeys: [],
  });
}
