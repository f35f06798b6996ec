import assert from "node:assert/strict";
import {
  isOlder,
  missingPulumi,
  OLDEST_PULUMI,
  parsePulumiVersion,
  pulumiFault,
} from "@corral-iac/cli/setup/pulumiVersion";

describe("the version of the Pulumi command", () => {
  it("is read from what pulumi version prints", () => {
    const version = { major: 3, minor: 259, patch: 1 };
    for (const printed of ["v3.259.1\n", "3.259.1", "v3.259.1-dev.0+g1a2"]) {
      assert.deepEqual(parsePulumiVersion(printed), version, printed);
    }
    const warned = "warning: using pulumi-language-nodejs from $PATH\nv3.259.1";
    assert.deepEqual(parsePulumiVersion(warned), version);
  });

  it("is unknown when something else is printed", () => {
    for (const printed of ["", "3.259", "Pulumi the second", "v3.x.1"]) {
      assert.equal(parsePulumiVersion(printed), undefined, printed);
    }
  });

  it("is compared by numbers, not by letters", () => {
    const of = (major: number, minor: number, patch: number) => ({
      major,
      minor,
      patch,
    });
    assert.ok(isOlder(of(3, 9, 0), of(3, 226, 0)));
    assert.ok(isOlder(of(2, 300, 0), of(3, 0, 0)));
    assert.ok(isOlder(of(3, 226, 0), of(3, 226, 1)));
    assert.ok(!isOlder(of(3, 226, 0), of(3, 226, 0)));
    assert.ok(!isOlder(of(4, 0, 0), of(3, 226, 0)));
  });

  it("is refused when it is too old, with what is there, what is needed and what helps", () => {
    const fault = pulumiFault("v3.225.9") ?? "";
    assert.match(fault, /version 3\.225\.9; Corral needs 3\.226\.0 or newer/);
    assert.match(fault, /https:\/\/www\.pulumi\.com\/docs\/install/);
    assert.equal(pulumiFault("v3.226.0"), undefined);
    assert.equal(OLDEST_PULUMI.minor, 226);
  });

  it("is refused when it cannot be told", () => {
    assert.match(pulumiFault("nonsense") ?? "", /prints "nonsense".*Install/);
  });

  it("has a remedy when there is no command at all", () => {
    assert.match(missingPulumi(), /not on PATH.*https:/);
  });
});
