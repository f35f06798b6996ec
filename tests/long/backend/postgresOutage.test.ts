import assert from "node:assert/strict";
import { OutageSubject } from "../../support/outage";
import { RunningUp } from "../../support/runningUp";

describe("a state database that goes away in the middle of an up", () => {
  let subject: OutageSubject | undefined;

  afterEach(async () => {
    await subject?.remove();
    subject = undefined;
  });

  it("and comes back within half a minute does no harm", async () => {
    subject = await OutageSubject.make("outage", "10.63.0.0/24");
    const up = RunningUp.start(subject.stack);
    await up.written(/(web|db)-domain creating/);
    await subject.server.kill();
    await subject.server.restart();
    const { exitCode, output } = await up.ended;
    assert.equal(exitCode, 0, output);
    await subject.assertEverythingIsThereOnce();
  });

  it("and stays away fails the run; corral up ends with every object once", async () => {
    subject = await OutageSubject.make("longoutage", "10.69.0.0/24");
    const { server, stack } = subject;
    const up = RunningUp.start(stack);
    await up.written(/(web|db)-domain creating/);
    await server.kill();
    // The engine tries to save for half a minute, one after the other for each thing under way.
    const { exitCode, output } = await up.ended;
    assert.notEqual(exitCode, 0);
    assert.match(output, /failed to save snapshot/);
    assert.match(output, /connection refused/);
    assert.ok(!output.includes(server.password), "the password is in plain");

    // The engine could not give its lock back either: it is seen to be dead.
    await server.restart();
    const next = await stack.corral("up", "--yes");
    assert.equal(next.exitCode, 0, next.output);
    assert.match(next.output, new RegExp(`Broke the lock .*${up.pid}`));
    await subject.assertEverythingIsThereOnce();
  });
});
