import assert from "node:assert/strict";
import {
  becomes,
  end,
  isRunning,
  know,
  startTimeOf,
} from "@corral-iac/tools/lab/processes";

describe("a known process", () => {
  it("has its start time read, whatever its name holds", () => {
    const fields = Array.from({ length: 30 }, (_, index) => `${index + 3}`);
    const stat = `42 (evil) name (x) ${fields.join(" ")}\n`;
    // Field 22 of the file, counted from 1.
    assert.equal(startTimeOf(stat), "22");
  });

  it("runs as long as pid and start time are the noted ones", () => {
    const self = know("self", process.pid);
    assert.ok(self);
    assert.ok(isRunning(self));
    assert.ok(!isRunning({ ...self, started: "1" }));
  });

  it("is not ended when its pid belongs to another by now", async () => {
    // Would end the tests themselves.
    await end({ name: "recycled", pid: process.pid, started: "1" });
    assert.equal(know("none", 2 ** 30), undefined);
  });
});

describe("waiting for a condition", () => {
  it("ends when it holds, or when the time is over", async () => {
    assert.equal(await becomes(() => true, 0), true);
    assert.equal(await becomes(() => false, 0), false);
  });
});
