import * as assert from "node:assert/strict";
import { nearest } from "@corral-iac/corral/core/nearest";

const KNOWN = ["vcpus", "memoryMib", "rootDisk", "running", "uri"];

describe("nearest", () => {
  for (const [typed, meant] of [
    ["vcpu", "vcpus"],
    ["VCPUS", "vcpus"],
    ["memoryMiB", "memoryMib"],
    ["memory", undefined],
    ["rootdisc", "rootDisk"],
    ["runing", "running"],
    ["url", "uri"],
    ["x", undefined],
    ["", undefined],
  ] as const) {
    it(`takes ${typed || "nothing"} for ${meant ?? "none of them"}`, () => {
      assert.equal(nearest(typed, KNOWN), meant);
    });
  }
});
