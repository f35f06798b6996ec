import assert from "node:assert/strict";

import { checksumOf } from "@corral-iac/tools/toolchain/download";
import { toolchainEnvironment } from "@corral-iac/tools/toolchain/index";
import { seconds, stepLine, table } from "@corral-iac/tools/toolchain/report";
import { sourcesFor } from "@corral-iac/tools/toolchain/sources";

describe("toolchain: sources", () => {
  it("are tried in order: what is installed, the release, a build", () => {
    const all = ["installed", "download", "build"];
    assert.deepEqual(sourcesFor(undefined), all);
    assert.deepEqual(sourcesFor(""), all);
  });

  it("can be limited, and keep their order", () => {
    assert.deepEqual(sourcesFor("build, installed"), ["installed", "build"]);
    assert.throws(() => sourcesFor("build,brew"), /brew is not one of/);
  });

  const sum = "0123456789abcdef".repeat(4);

  it("a release's checksum is read from its list, in both forms", () => {
    const list = `${"f".repeat(64)}  a.zip\n${sum.toUpperCase()} *b.zip\n`;
    assert.equal(checksumOf(list, "b.zip"), sum);
    assert.equal(checksumOf(list, "a.zip"), "f".repeat(64));
  });

  it("a release without a checksum is refused", () => {
    assert.throws(() => checksumOf(`${sum}  ab.zip`, "b.zip"), /does not name/);
    assert.throws(() => checksumOf("12  b.zip", "b.zip"), /does not name/);
    assert.throws(() => checksumOf("", "b.zip"), /does not name/);
  });
});

describe("toolchain: environment", () => {
  const paths = { corralHome: "/c", pulumiHome: "/c/pulumi-home-1" };

  it("puts the pinned CLI first and keeps to its own PULUMI_HOME", () => {
    const env = toolchainEnvironment(paths, {
      PATH: "/usr/bin",
      PULUMI_HOME: "/nowhere",
    });
    assert.equal(env.PATH, "/c/pulumi-home-1/bin:/usr/bin");
    assert.equal(env.PULUMI_HOME, "/c/pulumi-home-1");
    assert.equal(env.PULUMI_SKIP_UPDATE_CHECK, "true");
  });

  it("keeps logins outside the folder that changes with the pins", () => {
    const user = { PULUMI_HOME: "/nowhere" };
    const env = toolchainEnvironment(paths, user);
    assert.equal(env.PULUMI_CREDENTIALS_PATH, "/c/credentials");
    const own = { ...user, PULUMI_CREDENTIALS_PATH: "/mine" };
    const kept = toolchainEnvironment(paths, own);
    assert.equal(kept.PULUMI_CREDENTIALS_PATH, "/mine");
  });

  it("does not stop users with the internet from getting other plugins", () => {
    const env = toolchainEnvironment(paths, {});
    const names = Object.keys(env);
    assert.ok(!names.some((name) => name.includes("PLUGIN_ACQUISITION")));
  });
});

describe("toolchain: reports", () => {
  it("give every step its duration", () => {
    assert.match(stepLine("npm dependencies", "ok", 0.04), /ok +0\.0 s$/);
    assert.equal(seconds(271.24), "271.2 s");
    assert.equal(seconds(300), "300 s");
  });

  it("set columns out", () => {
    const rows = [
      ["piece", "status"],
      ["a", "ready"],
    ];
    assert.equal(table(rows), "piece  status\na      ready");
  });
});
