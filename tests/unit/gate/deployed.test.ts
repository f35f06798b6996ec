import assert from "node:assert/strict";
import { isMarkedDeployed } from "@corral-iac/cli/gate/deployed";

describe("the mark of a deployed stack", () => {
  const marked = (value: string) =>
    isMarkedDeployed(`config:\n  corral:deployed: ${value}\n`);

  it("is true as a word of YAML and as the text that pulumi config set writes", () => {
    assert.ok(marked("true"));
    assert.ok(marked('"true"'));
  });

  it("is off when it says so or is missing", () => {
    for (const value of ["false", '"false"', ""]) {
      assert.ok(!marked(value), value);
    }
    assert.ok(!isMarkedDeployed("config:\n  corral:fleet: {}\n"));
    assert.ok(!isMarkedDeployed(""));
  });

  it("is refused when it is neither, for an unclear mark protects nothing", () => {
    assert.throws(() => marked("yes"), /corral:deployed.*"yes".*true or false/);
    assert.throws(
      () => marked("{ secure: abc }"),
      /is a mapping, must be true or false/,
    );
    assert.throws(() => isMarkedDeployed("config: ["), /no YAML/);
  });
});
