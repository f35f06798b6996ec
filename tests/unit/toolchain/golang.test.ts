import assert from "node:assert/strict";

import {
  compareGoVersions,
  goBuildArguments,
  goBuildEnvironment,
  goVersionOf,
  isNetworkFailure,
  moduleOf,
  proxiesOf,
} from "@corral-iac/tools/toolchain/golang";
import { pins } from "@corral-iac/tools/toolchain/pins";

describe("toolchain: Go", () => {
  it("versions are compared by number", () => {
    assert.ok(compareGoVersions("1.9", "1.25.11") < 0);
    assert.ok(compareGoVersions("1.26.8", "1.25.11") > 0);
    assert.ok(compareGoVersions("1.25.2", "1.25.11") < 0);
    assert.equal(compareGoVersions("1.26", "1.26.0"), 0);
  });

  it("the version that a module wants is read from its go.mod", () => {
    assert.equal(goVersionOf("module m\n\ngo 1.25.11\n\ntool x\n"), "1.25.11");
    assert.equal(goVersionOf("module gopher\n"), "1.21");
  });

  it("module proxies come from GOPROXY, else from Go's own default", () => {
    assert.deepEqual(proxiesOf("https://a.example/,direct"), [
      "https://a.example",
    ]);
    assert.deepEqual(proxiesOf("https://a.example|http://b.example"), [
      "https://a.example",
      "http://b.example",
    ]);
    assert.deepEqual(proxiesOf("off"), []);
    assert.deepEqual(proxiesOf(undefined), []);
    assert.deepEqual(proxiesOf(""), []);
  });

  it("a build is made as pinned: trimmed, read-only modules, its version linked in", () => {
    const args = goBuildArguments(pins.pulumi.go, "/out/pulumi");
    assert.equal(args[0], "build");
    assert.ok(args.includes("-trimpath"));
    assert.ok(
      args.some(
        (arg) =>
          arg.startsWith("-ldflags=-s -w -X ") &&
          arg.endsWith(`version.Version=v${pins.pulumi.version}`),
      ),
    );
    assert.deepEqual(args.slice(-3), [
      "-o",
      "/out/pulumi",
      pins.pulumi.go.package,
    ]);
    const env = goBuildEnvironment({ os: "linux", arch: "amd64" });
    assert.equal(env.GOFLAGS, "-mod=readonly -buildvcs=false");
    assert.equal(env.CGO_ENABLED, "0");
  });

  it("files that are embedded out of a module are found by the longest module path", () => {
    const goMod =
      "require a.example/x v1.0.0\n\nrequire (\n\ta.example/x/y v2.0.0 // indirect\n)\n";
    assert.deepEqual(moduleOf("a.example/x/cmd/s.json", goMod), {
      module: "a.example/x",
      file: "cmd/s.json",
    });
    assert.deepEqual(moduleOf("a.example/x/y/s.json", goMod), {
      module: "a.example/x/y",
      file: "s.json",
    });
    assert.throws(() => moduleOf("a.example/z/s.json", goMod), /in no module/);
  });

  it("an overlay is handed to go", () => {
    const args = goBuildArguments(
      pins.kubernetesPlugin.go,
      "/out/p",
      "/o.json",
    );
    assert.equal(args[args.indexOf("-overlay") + 1], "/o.json");
    assert.ok(!goBuildArguments(pins.etcd.go, "/out/e").includes("-overlay"));
  });

  it("a build never weakens the checks of modules, and keeps the user's proxy", () => {
    const env = goBuildEnvironment({ os: "linux", arch: "amd64" });
    for (const name of [
      "GONOSUMDB",
      "GONOSUMCHECK",
      "GOPRIVATE",
      "GOINSECURE",
    ]) {
      assert.equal(env[name], "", name);
    }
    assert.ok(!("GOPROXY" in env) && !("GOSUMDB" in env));
  });

  it("failures of the network are told from those of the code", () => {
    assert.ok(isNetworkFailure("Get x: dial tcp 1.2.3.4:443: i/o timeout"));
    assert.ok(isNetworkFailure("reading x/@v/v1.zip: 503 Service Unavailable"));
    assert.ok(!isNetworkFailure("main.go:3:2: undefined: x"));
    assert.ok(!isNetworkFailure("verifying module: checksum mismatch"));
  });
});
