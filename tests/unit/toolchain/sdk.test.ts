import assert from "node:assert/strict";

import {
  differingNames,
  repairImports,
  sdkManifest,
} from "@corral-iac/tools/toolchain/sdk";

describe("toolchain: generated SDKs", () => {
  it("keep of their package.json what is read at run time", () => {
    const manifest: unknown = JSON.parse(
      sdkManifest(
        JSON.stringify({
          name: "@pulumi/libvirt",
          version: "0.8.3",
          main: "bin/index.js",
          scripts: { postinstall: "node ./scripts/postinstall.js" },
          dependencies: { "@pulumi/pulumi": "^3.142.0" },
          devDependencies: { typescript: "^4.3.5" },
          pulumi: { resource: true, name: "terraform-provider" },
        }),
      ),
    );
    assert.deepEqual(manifest, {
      name: "@pulumi/libvirt",
      version: "0.8.3",
      main: "index.js",
      dependencies: { "@pulumi/pulumi": "^3.142.0" },
    });
  });

  it("have imports repaired that lost their way to the root", () => {
    const tree = new Map([
      ["utilities.ts", ""],
      ["pool.ts", 'import * as inputs from "./types/input";'],
      [
        "types/input.ts",
        'import * as outputs from "./types/output";\nimport * as pulumi from "@pulumi/pulumi";',
      ],
      ["types/output.ts", ""],
      [
        "types/index.ts",
        'import * as u from "./utilities";\nimport * as i from "./input";',
      ],
    ]);
    repairImports(tree);
    assert.equal(
      tree.get("pool.ts"),
      'import * as inputs from "./types/input";',
    );
    assert.equal(
      tree.get("types/input.ts"),
      'import * as outputs from "../types/output";\nimport * as pulumi from "@pulumi/pulumi";',
    );
    assert.equal(
      tree.get("types/index.ts"),
      'import * as u from "../utilities";\nimport * as i from "./input";',
    );
    const once = new Map(tree);
    repairImports(tree);
    assert.deepEqual(tree, once);
  });

  it("are compared by name and content", () => {
    const one = new Map([
      ["a", "1"],
      ["b", "2"],
      ["c", "3"],
    ]);
    const other = new Map([
      ["a", "1"],
      ["b", "x"],
      ["d", "4"],
    ]);
    assert.deepEqual(differingNames(one, other), ["b", "c", "d"]);
    assert.deepEqual(differingNames(one, new Map(one)), []);
  });
});
