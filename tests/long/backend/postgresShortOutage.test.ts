import assert from "node:assert/strict";
import { OutageSubject } from "../../support/outage";
import { RunningUp } from "../../support/runningUp";

describe("a state database that goes away in the middle of an up", () => {
  let subject: OutageSubject;

  before(async () => {
    subject = await OutageSubject.make("outage", "10.63.0.0/24");
  });

  after(() => subject.remove());

  it("and comes back within half a minute does no harm", async () => {
    const up = RunningUp.start(subject.stack);
    await up.written(/(web|db)-domain creating/);
    await subject.server.kill();
    await subject.server.restart();
    const { exitCode, output } = await up.ended;
    assert.equal(exitCode, 0, output);
    await subject.assertEverythingIsThereOnce();
  });
});
