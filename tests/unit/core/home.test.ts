import * as assert from "node:assert/strict";
import * as os from "node:os";
import * as path from "node:path";
import { corralHome } from "@corral-iac/corral/core/home";

describe("corralHome", () => {
  const byDefault = path.join(os.homedir(), ".cache", "corral");

  it("is CORRAL_HOME, made absolute", () => {
    assert.equal(corralHome({ CORRAL_HOME: "/srv/corral" }), "/srv/corral");
    assert.equal(corralHome({ CORRAL_HOME: "here" }), path.resolve("here"));
  });

  it("else stands in the user's cache folder", () => {
    assert.equal(corralHome({ XDG_CACHE_HOME: "/c" }), "/c/corral");
    assert.equal(corralHome({}), byDefault);
  });

  it("passes over empty variables, and over a relative XDG_CACHE_HOME", () => {
    assert.equal(
      corralHome({ CORRAL_HOME: "", XDG_CACHE_HOME: "" }),
      byDefault,
    );
    assert.equal(corralHome({ XDG_CACHE_HOME: "here" }), byDefault);
  });
});
