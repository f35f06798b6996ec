import assert from "node:assert/strict";

import { judgeCloudInit } from "@corral-iac/corral-ops/guest/cloudInit";

describe("provider: what cloud-init says", () => {
  const is = (code: number | undefined, stdout: string) =>
    judgeCloudInit(code, stdout, "").is;

  it("is done, also when degraded", () => {
    const done = judgeCloudInit(
      0,
      "status: done\ndetail: DataSourceNoCloud\n",
      "",
    );
    assert.deepEqual(done, {
      is: "ready",
      value: {
        status: "status: done\ndetail: DataSourceNoCloud",
        degraded: false,
      },
    });
    const degraded = judgeCloudInit(
      2,
      "status: done\nextended_status: degraded done",
      "",
    );
    assert.ok(degraded.is === "ready" && degraded.value.degraded);
  });

  it("is still running", () => {
    assert.equal(is(90, ""), "waiting");
    assert.equal(is(0, "status: running"), "waiting");
    assert.equal(is(0, "status: not run"), "waiting");
  });

  it("is an error, with its words", () => {
    const finding = judgeCloudInit(
      1,
      "status: error\ndetail: scripts_user failed",
      "",
    );
    assert.ok(
      finding.is === "failed" && finding.reason.includes("scripts_user failed"),
    );
    assert.equal(is(127, ""), "failed");
  });

  it("is not there, or switched off: waiting would never end", () => {
    assert.equal(is(91, ""), "failed");
    assert.equal(is(0, "status: disabled"), "failed");
  });
});
