import assert from "node:assert/strict";
import { messageOf } from "@corral-iac/corral/core/errors";

/** A stack that is cut off and recovered, again and again. */
interface KillSubject<Point> {
  /** All points at which it can be cut off. */
  readonly points: readonly Point[];
  /** Cuts off a run there, recovers, and looks at everything. @returns seconds that it took. */
  survive(point: Point): Promise<number>;
  /** Takes it away, whatever is left of it. */
  abandon(): Promise<void>;
}

/**
 * CORRAL_KILL_POINTS takes a part of them, as a regular expression on their titles:
 * `CORRAL_KILL_POINTS='provider killed' npm run test:long`.
 */
const wanted = new RegExp(process.env.CORRAL_KILL_POINTS ?? "");

/**
 * Goes through every kill point, also when one of them fails.
 *
 * @param count how many there are: a step or call that gets lost shall be noticed.
 * @throws AssertionError with all that failed.
 */
export async function surviveEveryPoint<
  Point extends { readonly title: string },
>(make: () => Promise<KillSubject<Point>>, count: number): Promise<void> {
  let subject = await make();
  const failures: string[] = [];
  try {
    const all = subject.points;
    assert.equal(all.length, count, all.map(({ title }) => title).join("\n"));
    const points = all.filter(({ title }) => wanted.test(title));
    console.log(`    ${points.length} of ${all.length} kill points`);
    for (const point of points) {
      try {
        const seconds = await subject.survive(point);
        console.log(`      ${point.title}: recovered in ${seconds} s`);
      } catch (error) {
        const text = `${point.title}: ${messageOf(error)}`;
        console.log(`      FAILED ${text}`);
        failures.push(text);
        // What it left shall not fail the next one.
        await subject.abandon();
        subject = await make();
      }
    }
  } finally {
    await subject.abandon();
  }
  assert.deepEqual(failures, []);
}
