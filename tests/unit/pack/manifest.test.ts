import assert from "node:assert/strict";
import { packageManifest } from "@corral-iac/tools/pack/manifest";

const components = {
  name: "@corral-iac/corral",
  version: "1.2.3",
  main: "bin/index.js",
  dependencies: { yaml: "2.0.0" },
  peerDependencies: { "@pulumi/pulumi": "^3.200.0" },
};
const root = {
  name: "root",
  version: "0.0.0",
  dependencies: { "@pulumi/pulumi": "3.248.0" },
  devDependencies: { commander: "14.0.3", typescript: "5.9.3", mocha: "11" },
};
const libraryImports = ["@pulumi/pulumi", "yaml"];

describe("the npm package's package.json", () => {
  it("is the library's with the command and the versions of what that loads", () => {
    const commandImports = ["@corral-iac/corral", "commander", "yaml"];
    const manifest = packageManifest({
      components,
      root,
      libraryImports,
      commandImports,
    });
    assert.equal(manifest.version, "1.2.3");
    assert.equal(manifest.main, "bin/index.js");
    assert.deepEqual(manifest.bin, { corral: "cli/main.js" });
    assert.deepEqual(manifest.dependencies, {
      yaml: "2.0.0",
      commander: "14.0.3",
    });
    assert.deepEqual(manifest.peerDependencies, components.peerDependencies);
  });

  it("never depends on Pulumi's SDK, of which a program has one copy", () => {
    const manifest = packageManifest({
      components,
      root,
      libraryImports,
      commandImports: ["@pulumi/pulumi"],
    });
    assert.ok(!("@pulumi/pulumi" in (manifest.dependencies ?? {})));
    assert.deepEqual(manifest.devDependencies, {
      "@pulumi/pulumi": "3.248.0",
      typescript: "5.9.3",
    });
  });

  it("is refused when something is loaded that nobody would install", () => {
    const make = () =>
      packageManifest({
        components,
        root,
        libraryImports: [...libraryImports, "mocha"],
        commandImports: ["left-pad"],
      });
    assert.throws(make, /mocha .*components\/package\.json.*left-pad .*pin it/);
  });
});
