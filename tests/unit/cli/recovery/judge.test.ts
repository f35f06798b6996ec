import assert from "node:assert/strict";
import { judgeLock } from "@corral-iac/cli/recovery/locks/judge";

const LOCKED_AT = new Date("2026-03-01T12:00:00Z");
const lock = { pid: 4711, host: "hv1", createdAt: LOCKED_AT };

function judge(
  startedAt: Date | "unknown" | undefined,
  host: string = "hv1",
): string {
  return judgeLock(
    { ...lock, host },
    {
      hostname: host === "elsewhere" ? "hv1" : host,
      processStartedAt: (pid) => (pid === lock.pid ? startedAt : undefined),
    },
  );
}

const secondsAfterLock = (seconds: number) =>
  new Date(LOCKED_AT.getTime() + seconds * 1000);

describe("the verdict on a lock", () => {
  it("is alive while the process that took it runs", () => {
    assert.equal(judge(secondsAfterLock(-3600)), "alive");
    assert.equal(judge(secondsAfterLock(-1)), "alive");
  });

  it("is dead when there is no such process", () => {
    assert.equal(judge(undefined), "dead");
  });

  it("is dead when a later process has the pid", () => {
    assert.equal(judge(secondsAfterLock(3600)), "dead");
  });

  it("is alive when clocks may be to blame, or the process hides its start", () => {
    assert.equal(judge(secondsAfterLock(5)), "alive");
    assert.equal(judge("unknown"), "alive");
  });

  it("is left to others for another host, and for names that many hosts have", () => {
    assert.equal(judge(undefined, "elsewhere"), "elsewhere");
    assert.equal(judge(undefined, "localhost"), "elsewhere");
    assert.equal(judge(undefined, "localhost.localdomain"), "elsewhere");
    assert.equal(judge(undefined, ""), "elsewhere");
  });
});
