import assert from "node:assert/strict";

import {
  CancelledError,
  TimeoutError,
} from "@corral-iac/corral-ops/frame/errors";
import { Operations } from "@corral-iac/corral-ops/frame/operations";

const unbounded = { what: "create", timeoutSeconds: 0 };

describe("provider: operations", () => {
  it("end with their result", async () => {
    const operations = new Operations();
    assert.equal(await operations.run(unbounded, async () => 7), 7);
    assert.equal(operations.count, 0);
  });

  it("are stopped by a cancel, with the error they end by", async () => {
    const operations = new Operations();
    const work = operations.run(
      unbounded,
      (signal) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () =>
            reject(new Error("where it stood")),
          );
        }),
    );
    operations.cancelAll("the update was cancelled");
    await assert.rejects(work, /where it stood/);
    await operations.idle();
  });

  it("are answered soon even if they do not listen", async () => {
    const operations = new Operations(5);
    const work = operations.run(unbounded, () => new Promise(() => undefined));
    operations.cancelAll("cancelled");
    await assert.rejects(work, CancelledError);
  });

  it("may finish what they take back, within its own bound", async () => {
    for (const seconds of [10, 0.02]) {
      const operations = new Operations(5);
      let finish: () => void = () => undefined;
      let signal: AbortSignal | undefined;
      const work = operations.run(
        unbounded,
        async (_signal, _deadline, unwind) => {
          signal = unwind(seconds);
          assert.ok(operations.isUnwinding);
          await new Promise<void>((resolve) => {
            finish = resolve;
          });
          return "taken back";
        },
      );
      operations.cancelAll("cancelled");
      if (seconds === 10) {
        // Several times as long as one that does not listen is given.
        await new Promise((resolve) => setTimeout(resolve, 40));
        assert.equal(signal?.aborted, false);
        finish();
        assert.equal(await work, "taken back");
      } else {
        await assert.rejects(work, CancelledError);
      }
      assert.ok(!operations.isUnwinding);
    }
  });

  it("are refused after a cancel", async () => {
    const operations = new Operations();
    operations.cancelAll("cancelled");
    await assert.rejects(
      operations.run(unbounded, async () => 1),
      CancelledError,
    );
  });

  it("are stopped when customTimeouts are over", async () => {
    const operations = new Operations(5);
    const bounds = { what: "create", timeoutSeconds: 0.005 };
    const work = operations.run(bounds, () => new Promise(() => undefined));
    await assert.rejects(work, (error: Error) => {
      assert.ok(error instanceof TimeoutError);
      return /create took longer than .* customTimeouts/.test(error.message);
    });
  });
});
