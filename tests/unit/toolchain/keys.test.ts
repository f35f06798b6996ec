import assert from "node:assert/strict";
import * as path from "node:path";

import {
  homeKey,
  pathWith,
  pieceKey,
  placeInHome,
  platformOf,
} from "@corral-iac/tools/toolchain/keys";
import { pins, type PiecePin } from "@corral-iac/tools/toolchain/pins";

const linux = { os: "linux", arch: "amd64" };
const files = { goMod: "module m\n\ngo 1.25\n", goSum: "a v1 h1:x\n" };

describe("toolchain: keys of pieces", () => {
  const pin = pins.pulumi;
  const key = pieceKey(pin, files, linux);

  it("are equal for equal pins", () => {
    assert.equal(pieceKey({ ...pin }, { ...files }, { ...linux }), key);
    assert.match(key, /^[0-9a-f]{16}$/);
  });

  const changes: Record<string, () => string> = {
    version: () => pieceKey({ ...pin, version: "3.260.0" }, files, linux),
    recipe: () => {
      const go = { ...pin.go, variables: { Version: "other" } };
      return pieceKey({ ...pin, go }, files, linux);
    },
    package: () => {
      const go = { ...pin.go, package: "example.org/other" };
      return pieceKey({ ...pin, go }, files, linux);
    },
    "go.mod": () => pieceKey(pin, { ...files, goMod: "module n\n" }, linux),
    "go.sum": () => pieceKey(pin, { ...files, goSum: "" }, linux),
    "Go sources beside it": () =>
      pieceKey(
        pin,
        { ...files, sources: [["main.go", "package main"]] },
        linux,
      ),
    platform: () => pieceKey(pin, files, { os: "linux", arch: "arm64" }),
  };
  for (const [what, changed] of Object.entries(changes)) {
    it(`change with the ${what}`, () => assert.notEqual(changed(), key));
  }

  it("do not change with texts that the result does not depend on", () => {
    const go = { ...pin.go, aboutSeconds: 1 };
    assert.equal(pieceKey({ ...pin, title: "other", go }, files, linux), key);
  });

  it("make the home's key, in which every piece counts", () => {
    assert.notEqual(homeKey(["a", "b"]), homeKey(["a", "c"]));
    assert.notEqual(homeKey(["a", "b"]), homeKey(["ab"]));
  });
});

describe("toolchain: places", () => {
  it("follow the layouts of the CLI and of the bridge", () => {
    assert.equal(placeInHome(pins.pulumi, linux), path.join("bin", "pulumi"));
    assert.equal(
      placeInHome(pins.terraformProviderPlugin, linux),
      "plugins/resource-terraform-provider-v1.1.3/pulumi-resource-terraform-provider",
    );
    assert.equal(
      placeInHome(pins.libvirtProvider, linux),
      "dynamic_tf_plugins/registry.opentofu.org/dmacvicar/libvirt/0.8.3/linux_amd64/" +
        "terraform-provider-libvirt_v0.8.3",
    );
  });

  it("are different for all pieces", () => {
    const places = Object.values(pins).map((pin: PiecePin) =>
      placeInHome(pin, linux),
    );
    assert.equal(new Set(places).size, places.length);
  });
});

describe("toolchain: platform and search path", () => {
  it("are given in Go's words", () => {
    assert.deepEqual(platformOf("linux", "x64"), linux);
    assert.deepEqual(platformOf("darwin", "arm64"), {
      os: "darwin",
      arch: "arm64",
    });
    assert.equal(platformOf("win32", "x64"), undefined);
    assert.equal(platformOf("linux", "s390x"), undefined);
  });

  it("puts a folder first and only once", () => {
    assert.equal(pathWith("/c/bin", "/usr/bin:/bin"), "/c/bin:/usr/bin:/bin");
    assert.equal(pathWith("/c/bin", "/usr/bin:/c/bin"), "/c/bin:/usr/bin");
    assert.equal(pathWith("/c/bin", ""), "/c/bin");
  });
});
