import assert from "node:assert/strict";
import type { TestStack } from "../testStack";
import type { EngineRun } from "./engineRun";

/**
 * `corral up` after a run that was struck; nothing of that run lives when it is done.
 *
 * @returns how many seconds it took.
 */
export async function corralUpAfter(
  run: EngineRun,
  stack: TestStack,
): Promise<number> {
  const began = Date.now();
  const { exitCode, output } = await stack.corral("up", "--yes");
  const seconds = (Date.now() - began) / 1000;
  assert.equal(exitCode, 0, `corral up failed\n${output}`);
  assert.deepEqual(
    run.processes().map(({ name }) => name),
    [],
    "processes of the run that was struck still live",
  );
  return seconds;
}
