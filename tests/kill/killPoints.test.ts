import assert from "node:assert/strict";
import {
  type Fault,
  type KillPoint,
  killPoints,
} from "../support/killHarness/killPoint";
import {
  type PointResult,
  surviveKillPoint,
} from "../support/killHarness/recovery";
import { lineOf, tableOf } from "../support/killHarness/report";
import { type Step, stepsOf } from "../support/killHarness/steps";
import { Subject } from "../support/killHarness/subject";
import { needsPrivateLibvirt } from "../support/privateLibvirt";

/** The quick faults, and every kind of object on the hypervisor. All points: tests/long. */
const CHOSEN: readonly (readonly [Fault, KillPoint["where"], string])[] = [
  ["engine killed", "start", "web-stamp"],
  ["engine killed", "inside", "host-store-pool"],
  ["engine killed", "inside", "host-blank-image"],
  ["engine killed", "inside", "web-domain"],
  ["provider killed", "inside", "web-root"],
  ["bridge killed", "inside", "db-domain"],
  ["daemon restarted", "inside", "web-domain"],
  ["disk full", "inside", "host-blank-image"],
];

const STACK = "cutoff";

describe("corral up after a run that was cut off", () => {
  let subject: Subject | undefined;
  let steps: Step[];
  const results: PointResult[] = [];

  before(needsPrivateLibvirt);

  before(async () => {
    subject = await Subject.make(STACK);
    steps = await stepsOf(subject.stack);
  });

  after(async () => {
    console.log(results.length > 0 ? tableOf(results) : "");
    await subject?.abandon();
  });

  for (const [fault, where, name] of CHOSEN) {
    it(`leaves nothing lost or double: ${fault}, ${where} ${name}`, async () => {
      // A failed one takes its stack along: what it left shall not fail the next one.
      const current = (subject ??= await Subject.make(STACK));
      const point = killPoints(fault, steps, current.prefix).find(
        (each) => each.where === where && each.step.name === name,
      );
      assert.ok(point, "the stack under test has no such step");
      try {
        const result = await surviveKillPoint(point, current);
        results.push(result);
        console.log(`      ${lineOf(result)}`);
      } catch (error) {
        subject = undefined;
        await current.abandon();
        throw error;
      }
    });
  }
});
