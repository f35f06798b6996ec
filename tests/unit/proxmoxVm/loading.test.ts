import * as assert from "node:assert/strict";
import { execFileSync } from "node:child_process";

/** The modules of this repository that a program loads with another one. */
function loadedWith(...modules: string[]): string[] {
  const program =
    modules.map((module) => `require(${JSON.stringify(module)});`).join("") +
    "process.stdout.write(JSON.stringify(Object.keys(require.cache)))";
  const files = JSON.parse(
    execFileSync(process.execPath, ["-e", program], {
      cwd: __dirname,
    }).toString(),
  ) as string[];
  return files.map((file) => file.replaceAll("\\", "/"));
}

describe("what a program loads", () => {
  it("is nothing of Proxmox's SDK for machines on libvirt", () => {
    const files = loadedWith(
      "@corral-iac/corral/libvirt/libvirtVm",
      "@corral-iac/corral/fleet/program",
      "@corral-iac/corral/fleet/libvirt",
    );
    assert.ok(files.some((file) => file.includes("/sdks/libvirt/")));
    assert.deepEqual(
      files.filter((file) => file.includes("/sdks/proxmox/")),
      [],
    );
  });

  it("is no resource of an SDK that is not made, by the library's entry", () => {
    const files = loadedWith("@corral-iac/corral");
    assert.ok(files.some((file) => file.endsWith("/sdks/proxmox/index.js")));
    assert.deepEqual(
      files.filter((file) => file.includes("/sdks/proxmox/virtual")),
      [],
    );
  });
});
