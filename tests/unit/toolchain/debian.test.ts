import assert from "node:assert/strict";

import {
  aptInstallArguments,
  aptRemedy,
  debianGroups,
  missingPackages,
} from "@corral-iac/tools/toolchain/debian";

describe("toolchain: Debian packages", () => {
  it("are missing by what they would show", () => {
    const without = (gone: string) => (shows: string) => shows !== gone;
    assert.deepEqual(missingPackages("libvirt", without("xsltproc")), [
      "xsltproc",
    ]);
    assert.deepEqual(
      missingPackages("libvirt", () => true),
      [],
    );
    assert.equal(
      missingPackages("image", () => false).length,
      debianGroups.image.length,
    );
  });

  it("are installed without questions and without what is only recommended", () => {
    const args = aptInstallArguments(["xsltproc", "qemu-utils"]);
    assert.equal(args[0], "install");
    assert.ok(args.includes("--yes"));
    assert.ok(args.includes("--no-install-recommends"));
    assert.deepEqual(args.slice(-2), ["xsltproc", "qemu-utils"]);
  });

  it("come with the exact command for a user who is not root", () => {
    assert.equal(
      aptRemedy(["xsltproc", "qemu-utils"]),
      "sudo apt-get update && " +
        "sudo apt-get install --no-install-recommends xsltproc qemu-utils",
    );
  });
});
