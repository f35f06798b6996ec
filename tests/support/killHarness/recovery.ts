import assert from "node:assert/strict";
import { corralUpAfter } from "./corralUp";
import { EngineRun } from "./engineRun";
import { type KillPoint, strikeAt, titleOf, wasCutOff } from "./killPoint";
import { madeObject, servedBy } from "./steps";
import { Subject } from "./subject";

/** How often a point is tried when the engine was quicker than the fault. */
const ATTEMPTS = 3;

/** How a kill point went. */
export interface PointResult {
  readonly point: KillPoint;
  /** Whether the fault struck before the engine knew of the step's end. */
  readonly cutOff: boolean;
  /** Whether the object stood on the hypervisor and not in the state right after the fault. */
  readonly orphaned: boolean;
  /** Whether the object had appeared, and was gone again without the state knowing it. */
  readonly takenBack: boolean;
  /** Whether the run that was struck hung until it was interrupted. */
  readonly hung: boolean;
  /** How long `corral up` took, in seconds. */
  readonly recoverySeconds: number;
}

/**
 * Lets a fault strike a first `up`, recovers by `corral up`, and compares hypervisor and state.
 * Ends with the stack destroyed.
 *
 * @throws when anything is lost, double, unknown to the state or left behind.
 */
export async function surviveKillPoint(
  point: KillPoint,
  subject: Subject,
): Promise<PointResult> {
  for (let attempt = 1; ; attempt += 1) {
    const run = EngineRun.start(subject.stack, subject.nextRun());
    try {
      const strike = strikeAt(point, run, subject);
      const { hung } = await run.ended();
      await strike.finish();
      assert.ok(
        await strike.struck,
        `the run ended before it came to the step\n${run.output}`,
      );
      const landing = await landingOf(point, run, subject);
      const recoverySeconds = await recover(subject, run);
      if (isHit(point, landing)) {
        return { point, ...landing, hung, recoverySeconds };
      }
      assert.ok(
        attempt < ATTEMPTS,
        `"${titleOf(point)}" did not hit: the engine was quicker ${ATTEMPTS} times`,
      );
    } finally {
      await run.endAll();
    }
  }
}

/** `corral up`, and everything is as it was declared; then it is destroyed and nothing is left. */
export async function recover(
  subject: Subject,
  run: EngineRun,
): Promise<number> {
  const seconds = await corralUpAfter(run, subject.stack);
  await subject.assertWhole();
  await subject.assertDestroysWhole();
  return seconds;
}

type Landing = Pick<PointResult, "cutOff" | "orphaned" | "takenBack">;

async function landingOf(
  point: KillPoint,
  run: EngineRun,
  subject: Subject,
): Promise<Landing> {
  const cutOff = wasCutOff(point, run);
  const object = madeObject(point.step, subject.prefix);
  if (point.where === "start" || object === undefined) {
    return { cutOff, orphaned: false, takenBack: false };
  }
  const { resources } = await subject.stack.exportedState();
  const isKnown = resources.some(({ urn }) => urn === point.step.urn);
  const isThere = await subject.has(object);
  return {
    cutOff,
    orphaned: !isKnown && isThere,
    takenBack: !isKnown && !isThere,
  };
}

/**
 * A killed engine or provider must have left an object that the state does not know. Only corral-ops
 * may have taken it back: it ends with its engine, and tidies up before.
 */
function isHit(
  { fault, where, step }: KillPoint,
  { orphaned, takenBack }: Landing,
): boolean {
  const mayTakeBack =
    fault === "engine killed" && servedBy(step) === "corral-ops";
  return (
    where === "start" ||
    !fault.endsWith("killed") ||
    orphaned ||
    (mayTakeBack && takenBack)
  );
}
