import assert from "node:assert/strict";
import { importedPackages } from "@corral-iac/tools/pack/imports";

describe("packages that compiled code loads", () => {
  it("are those required or imported by name", () => {
    const code = `
      const a = require("commander");
      const b = __importStar(require('@pulumi/pulumi/runtime/mocks'));
      import("execa").then(run);
      require.resolve("@corral-iac/corral/package.json");
      require("yaml/parse");`;
    assert.deepEqual(importedPackages(code), [
      "@corral-iac/corral",
      "@pulumi/pulumi",
      "commander",
      "execa",
      "yaml",
    ]);
  });

  it("are not files, nor Node's own modules", () => {
    const code = `require("./a"); require("../b"); require("/c"); require("node:fs"); require("path");`;
    assert.deepEqual(importedPackages(code), []);
  });
});
