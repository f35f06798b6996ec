import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  becomes,
  catches,
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

describe("a signal to a process that starts", () => {
  it("is caught once it has a handler, and never when it has ended", async () => {
    const child = spawn("sh", ["-c", "trap : HUP; echo; read line"], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    const known = know("sh", child.pid ?? 0);
    assert.ok(known);
    await once(child.stdout, "data");
    assert.equal(catches(known, "SIGHUP"), true);
    assert.equal(catches(known, "SIGTERM"), false);
    child.stdin.end();
    await once(child, "close");
    assert.equal(catches(known, "SIGHUP"), false);
  });
});

describe("waiting for a condition", () => {
  it("ends when it holds, or when the time is over", async () => {
    assert.equal(await becomes(() => true, 0), true);
    assert.equal(await becomes(() => false, 0), false);
  });
});
