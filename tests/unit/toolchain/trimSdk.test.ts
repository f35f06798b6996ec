import assert from "node:assert/strict";
import { trimSdk } from "@corral-iac/tools/toolchain/trimSdk";

/** An SDK of the shape that pulumi-language-nodejs writes. */
function generated(): Map<string, string> {
  const exported = (module: string, name: string) =>
    `export { ${name}Args, ${name}State } from "./${module}";\n` +
    `export type ${name} = import("./${module}").${name};\n` +
    `export const ${name}: typeof import("./${module}").${name} = null as any;\n` +
    `utilities.lazyLoad(exports, ["${name}"], () => require("./${module}"));\n\n`;
  const index =
    'import * as utilities from "./utilities";\n\n// Export members:\n' +
    exported("acl", "Acl") +
    `export { GetAclArgs, GetAclResult, GetAclOutputArgs } from "./getAcl";\n` +
    `export const getAcl: typeof import("./getAcl").getAcl = null as any;\n` +
    `export const getAclOutput: typeof import("./getAcl").getAclOutput = null as any;\n` +
    `utilities.lazyLoad(exports, ["getAcl","getAclOutput"], () => require("./getAcl"));\n\n` +
    'export * from "./provider";\nimport { Provider } from "./provider";\n\n' +
    exported("vm", "Vm") +
    "\nconst _module = {\n        switch (type) {\n" +
    '            case "pve:index/acl:Acl":\n                return new Acl(name, <any>undefined, { urn })\n' +
    '            case "pve:index/vm:Vm":\n                return new Vm(name, <any>undefined, { urn })\n' +
    "            default:\n        }\n};\n" +
    'pulumi.runtime.registerResourceModule("pve", "index/acl", _module)\n' +
    'pulumi.runtime.registerResourceModule("pve", "index/vm", _module)\n';
  return new Map([
    ["index.ts", index],
    ["provider.ts", "ssh?: pulumi.Input<inputs.ProviderSsh>;"],
    ["utilities.ts", ""],
    ["config/vars.ts", ""],
    ["acl.ts", "inputs.AclEntry"],
    ["getAcl.ts", ""],
    ["vm.ts", "outputs.VmDisk inputs.VmDisk"],
    [
      "types/input.ts",
      'import * as pulumi from "@pulumi/pulumi";\n\n' +
        "export interface AclEntry {\n    path: string;\n}\n\n" +
        "export interface ProviderSsh {\n    user: string;\n}\n\n" +
        "export interface VmDisk {\n    speed: pulumi.Input<inputs.VmDiskSpeed>;\n}\n\n" +
        "export interface VmDiskSpeed {\n    /**\n     * Bytes.\n     */\n    read: number;\n}\n\n",
    ],
    [
      "types/output.ts",
      "export interface AclEntry {\n    path: string;\n}\n\n" +
        "export interface VmDisk {\n    size: number;\n}\n\n",
    ],
  ]);
}

describe("toolchain: trimmed SDKs", () => {
  const tree = generated();
  trimSdk(tree, ["vm"]);

  it("keep the named modules and what every SDK has", () => {
    assert.deepEqual(
      [...tree.keys()],
      [
        "index.ts",
        "provider.ts",
        "utilities.ts",
        "config/vars.ts",
        "vm.ts",
        "types/input.ts",
        "types/output.ts",
      ],
    );
  });

  it("say nothing in their index of what is gone", () => {
    const index = tree.get("index.ts") ?? "";
    assert.doesNotMatch(index, /acl/i);
    assert.equal(index.match(/\bvm\b/g)?.length, 6);
    assert.match(index, /export \* from "\.\/provider"/);
    assert.match(
      index,
      /switch \(type\) \{\n {12}case "pve:index\/vm:Vm":\n.*\n {12}default:/,
    );
  });

  it("keep the types that are still used, through others too", () => {
    assert.deepEqual(
      [...(tree.get("types/input.ts") ?? "").matchAll(/interface (\w+)/g)].map(
        ([, name]) => name,
      ),
      ["ProviderSsh", "VmDisk", "VmDiskSpeed"],
    );
    assert.equal(
      tree.get("types/output.ts"),
      "export interface VmDisk {\n    size: number;\n}\n\n",
    );
  });

  it("are not made of modules that the generator did not write", () => {
    assert.throws(
      () => trimSdk(generated(), ["vm", "lost"]),
      /no module lost$/,
    );
  });
});
